// SimGrid as an exact max-min fair fluid model. Each setting and each detour gives its reason where
// it is.
#include "engine/simgrid/simgrid_worker.h"

#include <unistd.h>
#include <xbt/log.h>

#include <simgrid/version.h>
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/kernel/resource/Action.hpp>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <simgrid/s4u.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/contract.h"

namespace planewise::engine {
namespace {

namespace s4u = simgrid::s4u;
using simgrid::kernel::resource::Action;
using simgrid::kernel::resource::Model;

/// A zone without routing: each flow brings its own list of links.
class FlowZone final : public simgrid::kernel::routing::NetZoneImpl {
 public:
  FlowZone() : NetZoneImpl("flows") {}

  std::vector<s4u::Link*> links;
  const std::vector<LinkId>* path = nullptr;  ///< Of the flow that is being started.

  void get_local_route(const simgrid::kernel::routing::NetPoint*,
                       const simgrid::kernel::routing::NetPoint*,
                       simgrid::kernel::routing::Route* route, double*) override {
    for (const LinkId link : *path) {
      route->link_list_.push_back(links[static_cast<std::size_t>(link)]->get_impl());
    }
  }
};

/// One of the identical transfers that a flow stands for.
struct Member {
  s4u::CommPtr comm;
  Action* action = nullptr;  ///< SimGrid's; null once it has ended.
};

struct FlowRecord {
  std::vector<LinkId> path;
  std::vector<Member> members;
  Rate rate_limit = kNoLimit;
  std::size_t running_count = 0;  ///< Members that have not ended.
  bool stopped = false;           ///< A link of the path has no capacity.
};

/// Whose action it is.
struct Owner {
  FlowId flow = 0;
  std::size_t member = 0;
};

/// SimGrid's engine, and what it does not know of our flows and timers.
class Simulation {
 public:
  Simulation(Channel& channel, std::span<const Rate> capacities);
  /// Runs whenever the other end says so, and reports.
  [[noreturn]] void serve();

 private:
  struct Timer {
    Seconds time{};
    TimerId id = 0;
    auto operator<=>(const Timer&) const = default;
  };

  static Seconds clock() { return seconds(s4u::Engine::get_clock()); }
  Rate& capacity_of(LinkId link) { return capacities_[static_cast<std::size_t>(link)]; }
  s4u::Link* link_at(LinkId link) { return zone_->links[static_cast<std::size_t>(link)]; }
  void build_zone();
  void obey();
  void answer(double value);
  void start_flow(const Message& message);
  Member start_member(const FlowRecord& flow, Bytes size);
  void set_timer(Seconds time, TimerId id);
  void set_capacity(LinkId link, Rate capacity);
  void stop_or_resume(FlowRecord& flow);
  bool is_stopped(const FlowRecord& flow);
  Bytes cancel(FlowId id);
  Rate load(LinkId link);
  void collect_ended();
  void wake_soon();
  void wake();
  bool report_next();
  void report(Say say, std::uint64_t id, Seconds time);

  Channel& channel_;
  std::vector<Rate> capacities_;
  s4u::Engine engine_;
  FlowZone* zone_ = nullptr;  ///< SimGrid's, as are the next three.
  s4u::Host* source_ = nullptr;
  s4u::Host* destination_ = nullptr;
  Model* network_ = nullptr;
  std::map<FlowId, FlowRecord> flows_;               ///< In flight.
  std::unordered_map<const Action*, Owner> owners_;  ///< Only looked up, never walked.
  std::vector<s4u::CommPtr> spent_comms_;            ///< Ended, but still in SimGrid's hands.
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::multiset<TimerId> due_timers_;
  std::set<FlowId> ended_flows_;  ///< Not yet reported; still in `flows_`.
  std::uint64_t advance_count_ = 0;
};

Simulation::Simulation(Channel& channel, std::span<const Rate> capacities)
    : channel_(channel), capacities_(capacities.begin(), capacities.end()), engine_("planewise") {
  xbt_log_control_set("root.thresh:critical");
  // Exact max-min sharing needs these; the defaults give errors of 2 to 5 %. (Gamma bounds rates by
  // latency, which we do not have; it is set so that nothing hangs on that.)
  s4u::Engine::set_config("network/model:CM02");
  s4u::Engine::set_config("network/crosstraffic:0");
  s4u::Engine::set_config("network/TCP-gamma:1e30");
#if SIMGRID_VERSION >= 40000
  s4u::Engine::set_config("precision/timing:1e-12");
  s4u::Engine::set_config("precision/work-amount:1e-9");
#else
  s4u::Engine::set_config("surf/precision:1e-12");
  s4u::Engine::set_config("maxmin/precision:1e-9");
#endif
  build_zone();
  s4u::Engine::on_time_advance_cb([this](double) {
    ++advance_count_;
    spent_comms_.clear();
    collect_ended();
  });
}

void Simulation::build_zone() {
  zone_ = new FlowZone;  // SimGrid destroys it.
#if SIMGRID_VERSION >= 40000
  zone_->set_parent(engine_.get_netzone_root()->get_impl());
#endif
  s4u::NetZone* const zone = zone_->get_iface();
  // Two hosts do for all flows: their route is whatever `path` says.
#if SIMGRID_VERSION >= 40000
  source_ = zone->add_host("source", 1)->seal();
  destination_ = zone->add_host("destination", 1)->seal();
#else
  source_ = zone->create_host("source", 1)->seal();
  destination_ = zone->create_host("destination", 1)->seal();
#endif
  for (const Rate capacity : capacities_) {
    // A capacity of 0 never reaches SimGrid (see stop_or_resume), so any other number does.
    const double bandwidth = capacity > Rate{} ? capacity.base() : 1;
    const std::string name = std::to_string(zone_->links.size());
#if SIMGRID_VERSION >= 40000
    zone_->links.push_back(zone->add_link(name, bandwidth)->seal());
#else
    zone_->links.push_back(zone->create_link(name, bandwidth)->seal());
#endif
  }
  zone->seal();
  engine_.seal_platform();
  for (Model* const model : engine_.get_all_models()) {
    if (model->get_name().starts_with("Network_")) network_ = model;
  }
  PW_CHECK(network_ != nullptr);
}

void Simulation::serve() {
  channel_.put({.say = Say::ready});
  while (true) {
    channel_.flush();
    obey();
    wake_soon();
    engine_.run();
    channel_.put({.say = Say::idle, .id = advance_count_, .value = clock().base()});
  }
}

/// Does what the other end says, up to `run`.
void Simulation::obey() {
  Message message;
  while (channel_.get(message)) {
    switch (message.say) {
      case Say::start_flow:
        start_flow(message);
        break;
      case Say::at:
        set_timer(seconds(message.value), message.id);
        break;
      case Say::set_capacity:
        set_capacity(message.number, bytes_per_second(message.value));
        break;
      case Say::cancel:
        answer(cancel(message.id).base());
        break;
      case Say::load:
        answer(load(message.number).base());
        break;
      case Say::run:
        return;
      default:
        PW_UNREACHABLE("the caller's side says nothing else");
    }
  }
  _exit(EXIT_SUCCESS);  // The other end is closed; SimGrid's own end would take long, for nothing.
}

void Simulation::answer(double value) {
  channel_.put({.say = Say::answer, .value = value});
  channel_.flush();
}

void Simulation::start_flow(const Message& message) {
  FlowRecord& flow = flows_[message.id];
  PW_CHECK(channel_.get(flow.path, message.path_length));
  const Bytes size = bytes(message.value);
  if (flow.path.empty() || size == Bytes{}) {
    // SimGrid refuses routes without links, and starts no transfer of size 0.
    ended_flows_.insert(message.id);
    return;
  }
  flow.rate_limit = bytes_per_second(message.rate_limit);
  flow.stopped = is_stopped(flow);
  flow.running_count = static_cast<std::size_t>(message.number);
  for (int i = 0; i < message.number; ++i) {
    flow.members.push_back(start_member(flow, size));
    owners_[flow.members.back().action] = {message.id, flow.members.size() - 1};
  }
}

Member Simulation::start_member(const FlowRecord& flow, Bytes size) {
  zone_->path = &flow.path;
  Member member{.comm = s4u::Comm::sendto_init()};
  // A payload is a whole number of bytes; what counts is set_remains() below.
  member.comm->set_payload_size(1);
  member.comm->set_source(source_);
  member.comm->set_destination(destination_);
  // The newest action is ours. It is the public way to a Comm's remaining bytes and to its bound.
  member.action = &network_->get_started_action_set()->back();
  PW_CHECK(member.action->get_activity() == member.comm->get_impl());
  member.action->set_remains(size.base());
  // CM02 bounds a transfer by the least bandwidth on its path as of now, and leaves that bound
  // where it is when the bandwidth rises later.
  member.action->set_bound(flow.rate_limit < kNoLimit ? flow.rate_limit.base() : -1);
  if (flow.stopped) member.action->suspend();
  return member;
}

/// SimGrid is only woken at `time`; which timers are due then, and in which order, is ours to say.
void Simulation::set_timer(Seconds time, TimerId id) {
  timers_.push({time, id});
  simgrid::kernel::timer::Timer::set(time.base(), [this] { wake(); });
}

void Simulation::set_capacity(LinkId link, Rate capacity) {
  capacity_of(link) = capacity;
  if (capacity > Rate{}) link_at(link)->set_bandwidth(capacity.base());
  for (auto& [id, flow] : flows_) {
    if (std::find(flow.path.begin(), flow.path.end(), link) != flow.path.end()) {
      stop_or_resume(flow);
    }
  }
}

bool Simulation::is_stopped(const FlowRecord& flow) {
  return std::any_of(flow.path.begin(), flow.path.end(),
                     [this](LinkId link) { return capacity_of(link) == Rate{}; });
}

/// Suspends a flow while one of its links has no capacity, which SimGrid cannot express: transfers
/// on a link whose bandwidth falls to 0 keep their rate, one that starts there aborts the process,
/// and a link that is turned off fails its transfers for good.
void Simulation::stop_or_resume(FlowRecord& flow) {
  const bool stopped = is_stopped(flow);
  if (stopped == flow.stopped) return;
  flow.stopped = stopped;
  for (const Member& member : flow.members) {
    if (member.action == nullptr) continue;
    if (stopped) {
      member.action->suspend();
    } else {
      member.action->resume();
    }
  }
  if (stopped) return;
  // resume() marks only the first link of the path for the next solve, and nothing if that one is
  // marked already; the others would be given away twice. Setting a bandwidth marks its link.
  for (const LinkId link : flow.path) link_at(link)->set_bandwidth(capacity_of(link).base());
}

Bytes Simulation::cancel(FlowId id) {
  const auto found = flows_.find(id);
  PW_CHECK(found != flows_.end());
  double left = 0;
  for (Member& member : found->second.members) {
    if (member.action == nullptr) continue;
    left = std::max(left, member.action->get_remains());
    owners_.erase(member.action);
    member.action->suspend();  // Gives its share of the links back at once; cancel() does so later.
    member.comm->cancel();
    spent_comms_.push_back(std::move(member.comm));
  }
  flows_.erase(found);
  ended_flows_.erase(id);
  return bytes(left);
}

Rate Simulation::load(LinkId link) {
  network_->next_occurring_event(clock().base());  // Solves, if anything changed.
#if SIMGRID_VERSION >= 40000
  return bytes_per_second(link_at(link)->get_load());
#else
  return bytes_per_second(link_at(link)->get_usage());
#endif
}

/// Notes which flows end at this instant. Called whenever time has advanced, before SimGrid's
/// timers.
void Simulation::collect_ended() {
  // SimGrid takes what is within 1e-12 s of now, not within 1e-12 of it. From 8192 s on that is
  // less than the spacing of doubles, and it misses ends by rounding and never comes back to them.
  auto& heap = network_->get_action_heap();
  while (!heap.empty() && seconds(heap.top_date()) <= end_of_instant(clock())) {
    Action* const action = heap.pop();
    action->finish(Action::State::FINISHED);
    heap.remove(action);
  }
  for (Action& action : *network_->get_finished_action_set()) {
    const auto owner = owners_.find(&action);
    if (owner == owners_.end()) continue;
    action.suspend();  // Gives its share of the links back before the callbacks, not after.
    const auto [id, member_index] = owner->second;
    owners_.erase(owner);
    FlowRecord& flow = flows_.at(id);
    Member& member = flow.members[member_index];
    member.action = nullptr;
    spent_comms_.push_back(std::move(member.comm));
    if (--flow.running_count == 0) ended_flows_.insert(id);
  }
  wake_soon();
}

/// Has SimGrid call wake() in this instant if there is something to report.
void Simulation::wake_soon() {
  if (ended_flows_.empty()) return;
  simgrid::kernel::timer::Timer::set(clock().base(), [this] { wake(); });
}

/// Reports all that is due at this instant.
void Simulation::wake() {
  while (report_next()) {
  }
}

bool Simulation::report_next() {
  Seconds time = clock();
  while (!timers_.empty() && timers_.top().time <= end_of_instant(clock())) {
    time = std::max(time, timers_.top().time);
    due_timers_.insert(timers_.top().id);
    timers_.pop();
  }
  if (!due_timers_.empty()) {
    const TimerId id = *due_timers_.begin();
    due_timers_.erase(due_timers_.begin());
    report(Say::timer_due, id, time);
    return true;
  }
  if (ended_flows_.empty()) return false;
  const FlowId id = *ended_flows_.begin();
  ended_flows_.erase(ended_flows_.begin());
  flows_.erase(id);
  report(Say::flow_ended, id, time);
  return true;
}

void Simulation::report(Say say, std::uint64_t id, Seconds time) {
  channel_.put({.say = say, .id = id, .value = time.base()});
  channel_.flush();
  obey();
}

}  // namespace

void serve_simgrid(Channel& channel, std::span<const Rate> capacities) {
  // Never deleted, as the process ends without a word to SimGrid.
  (new Simulation(channel, capacities))->serve();
}

}  // namespace planewise::engine
