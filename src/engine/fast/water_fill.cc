#include "engine/fast/water_fill.h"

#include <algorithm>

namespace planewise::engine {
namespace {

/// a < b, on the numbers: g++ 12 makes more branches of a class's <=>, and a solve consists of
/// little else (measured: 15 % of all time).
bool below(Rate a, Rate b) { return a.base() < b.base(); }

/// The level at which `link` is full if nothing else stops its flows; at least `reached`, the level
/// of now.
///
/// In exact arithmetic it is never below. With rounding in `free`, the maximum is what keeps a rate
/// from being less than those given before it, and so from being next to nothing or negative.
Rate full_level(const LinkState& link, Rate reached) {
  const Rate level = link.free / link.open_weight;
  return below(level, reached) ? reached : level;
}

}  // namespace

/// Gives `level` to the flows of `full_link` that rise still, and returns how many they are.
std::size_t WaterFill::freeze_flows(FlowTable& table, LinkId full_link, Rate level) {
  std::size_t count = 0;
  for (const Use& use : table.link_at(full_link).uses) {
    FlowState& flow = table.flow_at(use.flow);
    if (flow.settled) continue;
    flow.settled = true;
    ++count;
    flow.next_rate = level;
    for (const Hop& hop : table.hops_of(flow)) {
      LinkState& link = table.link_at(hop.link);
      link.free -= level * hop.weight;
      link.open_weight -= hop.weight;
    }
  }
  return count;
}

/// Gives the lowest entry a higher level: half the work of a pop and a push.
void WaterFill::raise_lowest(Rate level) {
  const LinkId link = levels_.front().link;
  std::size_t place = 0;
  for (std::size_t child = 1; child < levels_.size(); child = 2 * place + 1) {
    if (child + 1 < levels_.size() && below(levels_[child + 1].level, levels_[child].level))
      ++child;
    if (!below(levels_[child].level, level)) break;
    levels_[place] = levels_[child];
    place = child;
  }
  levels_[place] = {level, link};
}

void WaterFill::fill(FlowTable& table, const Component& component) {
  const auto higher = [](const Level& a, const Level& b) { return below(b.level, a.level); };
  for (const FlowSlot slot : component.flows) table.flow_at(slot).settled = false;
  levels_.clear();
  for (const LinkId id : component.links) {
    LinkState& link = table.link_at(id);
    link.free = link.capacity;
    link.open_weight = link.weight;
    if (link.open_weight > 0) levels_.push_back({full_level(link, Rate{}), id});
  }
  std::make_heap(levels_.begin(), levels_.end(), higher);

  Rate reached{};
  for (std::size_t open_count = component.flows.size(); open_count > 0;) {
    const auto [lowest, id] = levels_.front();
    const LinkState& link = table.link_at(id);
    if (link.open_weight > 0) {
      const Rate level = full_level(link, reached);
      if (below(lowest, level)) {
        // Flows were stopped elsewhere since: this link fills later than it seemed.
        raise_lowest(level);
        continue;
      }
      reached = level;
      open_count -= freeze_flows(table, id, level);
    }
    std::pop_heap(levels_.begin(), levels_.end(), higher);
    levels_.pop_back();
  }
}

}  // namespace planewise::engine
