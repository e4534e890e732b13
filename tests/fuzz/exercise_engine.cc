#include "fuzz/exercise_engine.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <sstream>
#include <vector>

#include "engine/brute_force.h"
#include "engine/engine.h"
#include "engine/scenario.h"

namespace planewise::test {
namespace {

using engine::FlowId;
using engine::LinkId;

constexpr double kTolerance = 1e-9;  // What is asked of the fast engine.
constexpr std::size_t kMostFlows = 80;
constexpr std::size_t kMostEvents = 400;

/// The numbers that bytes stand for: few and round, so that much happens at the same instant and
/// two ends are either equal or far apart.
class Bytecode {
 public:
  explicit Bytecode(std::span<const std::uint8_t> data) : data_(data) {}

  bool at_end() const { return next_ >= data_.size(); }
  /// 0 once the bytes are used up.
  unsigned byte() { return at_end() ? 0U : data_[next_++]; }
  unsigned below(std::size_t bound) { return byte() % static_cast<unsigned>(bound); }
  /// 0 one time in 16, else 0.25 to 12 GB/s.
  Rate capacity() {
    const unsigned value = byte();
    return gigabytes_per_second(value % 16 == 0 ? 0 : 0.25 * (1 + value % 48));
  }
  /// 0 to 2.55 MB.
  Bytes size() { return bytes(1e4 * byte()); }
  Seconds pause() { return microseconds(25.0 * (byte() % 64)); }

 private:
  std::span<const std::uint8_t> data_;
  std::size_t next_ = 0;
};

struct Happening {
  char what = ' ';
  std::uint64_t id = 0;
  double time = 0;
  double value = 0;
  double scale = 1;  ///< Of which size `value` was computed as a difference.
};

/// Carries out one sequence of calls with one engine.
class Exercise {
 public:
  Exercise(std::span<const std::uint8_t> data, engine::MakeEngine make_engine) : code_(data) {
    std::vector<Rate> capacities(1 + code_.below(8));
    for (Rate& capacity : capacities) capacity = code_.capacity();
    link_count_ = capacities.size();
    engine_ = make_engine(capacities, {.on_flow = [this](FlowId id) { on_flow(id); },
                                       .on_timer = [this](std::uint64_t id) { on_timer(id); }});
  }

  std::vector<Happening> run() {
    do {
      calls();
      log('i', engine_->run() ? 1 : 0);
    } while (!code_.at_end() && log_.size() < kMostEvents);
    return log_;
  }

 private:
  void on_flow(FlowId id) {
    in_flight_.erase(id);
    log('f', id);
    if (log_.size() < kMostEvents) calls();
  }
  void on_timer(std::uint64_t id) {
    log('t', id);
    if (log_.size() < kMostEvents) calls();
  }
  void log(char what, std::uint64_t id, double value = 0, double scale = 1) {
    log_.push_back({what, id, engine_->now().base(), value, scale});
  }

  /// Calls until the next wait; a wait is 0, which is also what follows the last byte.
  void calls() {
    while (true) {
      switch (code_.byte() % 8) {
        case 0:
          return;
        case 1:
        case 2:
          start(1);
          break;
        case 3:
          start(1 + code_.below(12));  // A batch of equal ones.
          break;
        case 4:
          engine_->at(engine_->now() + code_.pause(), next_timer_++);
          break;
        case 5:
          engine_->set_capacity(static_cast<LinkId>(code_.below(link_count_)), code_.capacity());
          break;
        case 6:
          cancel();
          break;
        case 7:
          load();
          break;
      }
    }
  }

  void start(unsigned count) {
    std::vector<LinkId> path;
    for (unsigned hops = code_.below(6); hops > 0; --hops) {
      path.push_back(static_cast<LinkId>(code_.below(link_count_)));
    }
    const unsigned how = code_.byte();
    const Rate limit = gigabytes_per_second(0.125 * (1 + how / 8));
    const engine::Flow flow{
        .id = 0,
        .path = path,
        .size = code_.size(),
        .weight = static_cast<int>(1 + how % 4),
        .rate_limit = engine::kRateLimits && (how & 4U) != 0 ? limit : engine::kNoLimit};
    for (; count > 0 && in_flight_.size() < kMostFlows; --count) {
      engine::Flow another = flow;
      another.id = next_flow_++;
      in_flight_.insert(another.id);
      engine_->start_flow(another);
    }
  }

  void cancel() {
    if (in_flight_.empty()) return;
    const auto found = std::next(in_flight_.begin(), code_.below(in_flight_.size()));
    log('c', *found, engine_->cancel(*found).base(), 1e6);
    in_flight_.erase(found);
  }

  void load() {
    const auto link = static_cast<LinkId>(code_.below(link_count_));
    log('l', static_cast<std::uint64_t>(link), engine_->load(link).base(), 1e9);
  }

  Bytecode code_;
  std::size_t link_count_ = 0;
  std::unique_ptr<engine::Engine> engine_;
  std::set<FlowId> in_flight_;
  FlowId next_flow_ = 1;
  std::uint64_t next_timer_ = 1;
  std::vector<Happening> log_;
};

bool agree(const Happening& a, const Happening& b) {
  return a.what == b.what && a.id == b.id &&
         std::abs(a.time - b.time) <= kTolerance * std::max(a.time, b.time) &&
         std::abs(a.value - b.value) <= kTolerance * std::max(a.value, a.scale);
}

void print(std::ostream& out, const std::vector<Happening>& log, std::size_t index) {
  if (index >= log.size()) {
    out << " nothing";
    return;
  }
  const Happening& h = log[index];
  out << ' ' << h.what << h.id << " at " << h.time << " s (" << h.value << ')';
}

}  // namespace

std::string exercise_engine(std::span<const std::uint8_t> data) {
  const std::vector<Happening> expected = Exercise(data, engine::make_brute_force_engine).run();
  const std::vector<Happening> actual = Exercise(data, engine::make_checked_engine).run();
  for (std::size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
    if (i < std::min(expected.size(), actual.size()) && agree(expected[i], actual[i])) continue;
    std::ostringstream text;
    text.precision(17);
    text << "happening " << i << ": expected";
    print(text, expected, i);
    text << ", but";
    print(text, actual, i);
    return text.str();
  }
  return "";
}

}  // namespace planewise::test
