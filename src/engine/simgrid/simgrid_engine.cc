// The engine of the caller's side: it sends every call to a forked worker, which runs SimGrid.
#include <algorithm>
#include <cmath>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/contract.h"
#include "engine/engine.h"
#include "engine/simgrid/channel.h"
#include "engine/simgrid/simgrid_worker.h"
#include "engine/simgrid/worker_process.h"

namespace planewise::engine {
namespace {

class SimgridEngine final : public Engine {
 public:
  SimgridEngine(std::size_t link_count, Events events, std::unique_ptr<WorkerProcess> worker)
      : link_count_(link_count), events_(complete(std::move(events))), worker_(std::move(worker)) {}

  void start_flow(const Flow& flow) override {
    check_flow(flow, link_count_);
    PW_CHECK(in_flight_.insert(flow.id).second);
    ++statistics_.flows_started;
    worker_->put({.say = Say::start_flow,
                  .number = flow.weight,
                  .id = flow.id,
                  .value = flow.size.base(),
                  .path_length = flow.path.size(),
                  .rate_limit = flow.rate_limit.base()});
    worker_->put(flow.path);
  }

  void at(Seconds time, TimerId id) override {
    PW_CHECK(time >= now_);
    PW_CHECK(std::isfinite(time.base()));
    worker_->put({.say = Say::at, .id = id, .value = time.base()});
  }

  void set_capacity(LinkId link, Rate capacity) override {
    check_link(link, link_count_);
    check_capacity(capacity);
    worker_->put({.say = Say::set_capacity, .number = link, .value = capacity.base()});
  }

  Bytes cancel(FlowId id) override {
    PW_CHECK(in_flight_.erase(id) == 1);
    worker_->put({.say = Say::cancel, .id = id});
    return bytes(answer());
  }

  Rate load(LinkId link) override {
    check_link(link, link_count_);
    worker_->put({.say = Say::load, .number = link});
    return bytes_per_second(answer());
  }

  Seconds now() const override { return now_; }
  Statistics statistics() const override { return statistics_; }
  bool run() override;

 private:
  double answer() {
    const Message message = worker_->ask();
    PW_CHECK(message.say == Say::answer);
    return message.value;
  }

  std::size_t link_count_;
  Events events_;
  std::unique_ptr<WorkerProcess> worker_;  ///< Never null.
  std::unordered_set<FlowId> in_flight_;   ///< Only looked up, never walked.
  Seconds now_{};
  Statistics statistics_;
  bool running_ = false;
};

bool SimgridEngine::run() {
  const RunScope scope(running_);
  while (true) {
    worker_->put({.say = Say::run});
    const Message message = worker_->ask();
    // A timer may be reported up to one instant before SimGrid's own clock gets there.
    now_ = std::max(now_, seconds(message.value));
    switch (message.say) {
      case Say::flow_ended:
        ++statistics_.events;
        in_flight_.erase(message.id);
        events_.on_flow(message.id);
        break;
      case Say::timer_due:
        ++statistics_.events;
        events_.on_timer(message.id);
        break;
      case Say::idle:
        // SimGrid does not count its solves; it solves at most once for each advance of time.
        statistics_.solves = message.id;
        return in_flight_.empty();
      default:
        PW_UNREACHABLE("the simgrid worker reports nothing else while it runs");
    }
  }
}

}  // namespace

std::unique_ptr<Engine> make_simgrid_engine(std::vector<Rate> capacities, Events events) {
  for (const Rate capacity : capacities) check_capacity(capacity);
  const std::size_t link_count = capacities.size();
  auto worker = std::make_unique<WorkerProcess>(
      [&capacities](Channel& channel) { serve_simgrid(channel, capacities); });
  PW_CHECK(worker->ask().say == Say::ready);
  return std::make_unique<SimgridEngine>(link_count, std::move(events), std::move(worker));
}

}  // namespace planewise::engine
