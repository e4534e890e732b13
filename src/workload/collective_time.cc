#include "workload/collective_time.h"

#include <algorithm>
#include <map>

namespace planewise::workload {
namespace {

using spec::Algorithm;
using spec::Collective;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Times of what one group does; all groups are alike but for where nodes begin and end.
class GroupTimes {
 public:
  GroupTimes(const CollectiveInput& in, const IdleFabric& fabric, const std::vector<int>& group)
      : in_(in), fabric_(fabric), group_(group) {}

  Seconds time() const {
    const spec::TrafficStep& step = in_.step;
    switch (step.collective) {
      case Collective::all_to_all:
        return all_to_all();
      case Collective::all_reduce:
        if (step.algorithm == Algorithm::tree) return tree(true);
        if (step.algorithm == Algorithm::hierarchical) {
          return node_exchange(share()) * 2 + rail_ring(2 * (nodes() - 1));
        }
        return ring(2 * (size() - 1));
      case Collective::reduce_scatter:
      case Collective::all_gather:
        if (step.algorithm == Algorithm::direct) return direct(step.size / size());
        if (step.algorithm == Algorithm::hierarchical) {
          return node_exchange(share()) + rail_ring(nodes() - 1);
        }
        return ring(size() - 1);
      case Collective::broadcast:
        return step.algorithm == Algorithm::tree ? tree(false) : chain();
      case Collective::send:
        return pairs();
    }
    return {};
  }

 private:
  int size() const { return static_cast<int>(group_.size()); }
  int gpus() const { return in_.placement.gpus_per_node; }
  int nodes() const { return size() / gpus(); }
  Bytes share() const { return in_.step.size / gpus(); }

  bool same_node(int a, int b) const { return in_.placement.node(a) == in_.placement.node(b); }

  /// `payload` over a GPU's own NVLink or NIC, after the latency; 0 for nothing to send.
  Seconds nvlink(Bytes payload) const {
    if (payload == Bytes{}) return {};
    return in_.curve.latency + fabric_.nvlink_latency +
           payload / (fabric_.nvlink_rate * in_.curve.nvlink_efficiency);
  }
  Seconds network(Bytes payload) const {
    if (payload == Bytes{}) return {};
    return in_.curve.latency + fabric_.network_latency +
           payload / (fabric_.network_rate * in_.curve.rail_efficiency);
  }
  Seconds between(int a, int b, Bytes payload) const {
    return same_node(a, b) ? nvlink(payload) : network(payload);
  }

  /// Every rank to every other: the slower of NVLink and NIC, of the rank with most behind it.
  Seconds direct(Bytes pair) const {
    std::map<std::int64_t, int> on_node;
    for (const int rank : group_) on_node[in_.placement.node(rank)] += 1;
    Seconds worst{};
    for (const auto& [node, count] : on_node) {
      worst = std::max({worst, nvlink(pair * (count - 1)), network(pair * (size() - count))});
    }
    return worst;
  }

  Seconds node_exchange(Bytes pair) const { return nvlink(pair * (gpus() - 1)); }

  Seconds all_to_all() const {
    const spec::TrafficStep& step = in_.step;
    if (step.algorithm == Algorithm::direct) return direct(step.size);
    if (step.algorithm == Algorithm::two_hop) {
      return node_exchange(step.size * nodes()) + network(step.size * gpus() * (nodes() - 1));
    }
    return std::max(node_exchange(step.nvlink_size), network(step.size * (nodes() - 1)));
  }

  /// A ring is as fast as its slowest link.
  Seconds ring(int rounds) const {
    Seconds slowest{};
    for (int i = 0; i < size(); ++i) {
      const int next = group_[at((i + 1) % size())];
      slowest = std::max(slowest, between(group_[at(i)], next, in_.step.size / size()));
    }
    return slowest * rounds;
  }
  Seconds rail_ring(int rounds) const { return network(in_.step.size / size()) * rounds; }

  /// Of c equal chunks through links of times t: sum(t) + (c - 1) max(t).
  Seconds chain() const {
    Seconds sum{}, slowest{};
    for (int i = 0; i + 1 < size(); ++i) {
      const Seconds link =
          between(group_[at(i)], group_[at(i + 1)], in_.step.size / in_.step.chunks);
      sum += link;
      slowest = std::max(slowest, link);
    }
    return sum + slowest * (in_.step.chunks - 1);
  }

  /// What a rank has of a chunk, and when, on the way down: two children behind one NIC or NVLink
  /// share it. `slowest` becomes the slowest link's time.
  Seconds down_tree(Bytes chunk, Seconds& slowest) const {
    std::vector<Seconds> reached(group_.size());
    for (int i = 1; i < size(); ++i) {
      const int parent = (i - 1) / 2, sibling = i % 2 == 1 ? i + 1 : i - 1;
      const bool shares = sibling < size() && same_link(parent, i, sibling);
      const Seconds link = between(group_[at(parent)], group_[at(i)], chunk * (shares ? 2 : 1));
      reached[at(i)] = reached[at(parent)] + link;
      slowest = std::max(slowest, link);
    }
    return *std::max_element(reached.begin(), reached.end());
  }

  /// On the way up: of two flows into one link that start at a <= b, each of time t alone, the last
  /// ends at max(a + 2 t, b + t).
  Seconds up_tree(Bytes chunk) const {
    std::vector<Seconds> ready(group_.size());
    for (int i = size() / 2 - 1; i >= 0; --i) {
      const int left = 2 * i + 1, right = 2 * i + 2;
      const auto end = [&](int child, double chunks) {
        return ready[at(child)] + between(group_[at(child)], group_[at(i)], chunk * chunks);
      };
      ready[at(i)] = end(left, 1);
      if (right >= size()) continue;
      ready[at(i)] = std::max(ready[at(i)], end(right, 1));
      if (!same_link(i, left, right)) continue;
      const bool left_first = ready[at(left)] <= ready[at(right)];
      ready[at(i)] = std::max(ready[at(i)], end(left_first ? left : right, 2));
    }
    return ready.front();
  }
  bool same_link(int parent, int a, int b) const {
    return same_node(group_[at(parent)], group_[at(a)]) ==
           same_node(group_[at(parent)], group_[at(b)]);
  }

  Seconds tree(bool both_ways) const {
    const Bytes chunk = in_.step.size / in_.step.chunks;
    Seconds slowest{};
    const Seconds down = down_tree(chunk, slowest);
    return (both_ways ? up_tree(chunk) : Seconds{}) + down + slowest * (in_.step.chunks - 1);
  }

  /// What the busiest NIC or NVLink sends or receives.
  Seconds pairs() const {
    struct Load {
      Bytes nvlink{};
      Bytes network{};
    };
    std::map<int, Load> sent, received;
    for (const spec::RankPair& pair : in_.step.pairs) {
      const bool inside = same_node(group_[at(pair.from)], group_[at(pair.to)]);
      Load& from = sent[pair.from];
      Load& to = received[pair.to];
      (inside ? from.nvlink : from.network) += in_.step.size;
      (inside ? to.nvlink : to.network) += in_.step.size;
    }
    Seconds worst{};
    for (const auto* loads : {&sent, &received}) {
      for (const auto& [rank, load] : *loads) {
        worst = std::max({worst, nvlink(load.nvlink), network(load.network)});
      }
    }
    return worst;
  }

  const CollectiveInput& in_;
  const IdleFabric& fabric_;
  const std::vector<int>& group_;
};

}  // namespace

IdleFabric idle_fabric(const spec::TopologySpec& topology) {
  const int ports = topology.fabric.family == spec::Family::dual_tor ? 2 : 1;
  return {.network_rate = topology.fabric.link_rate * ports,
          .nvlink_rate = topology.nodes.nvlink_rate,
          .network_latency = topology.fabric.switch_latency,
          .nvlink_latency = topology.nodes.nvlink_latency};
}

Seconds idle_time(const CollectiveInput& in, const IdleFabric& fabric) {
  Seconds worst{};
  for (const std::vector<int>& group : in.groups) {
    worst = std::max(worst, GroupTimes(in, fabric, group).time());
  }
  return worst;
}

Bytes counted_size(const spec::TrafficStep& step, int gpus_per_node) {
  if (step.collective != Collective::all_to_all) return step.size;
  const bool by_node = step.algorithm == Algorithm::node_limited;
  return step.size * (by_node ? step.group / gpus_per_node : step.group);
}

double bus_factor(const spec::TrafficStep& step, int gpus_per_node) {
  const bool by_node = step.algorithm == Algorithm::node_limited;
  const double parts = by_node ? step.group / gpus_per_node : step.group;
  switch (step.collective) {
    case Collective::all_reduce:
      return 2 * (parts - 1) / parts;
    case Collective::all_to_all:
    case Collective::reduce_scatter:
    case Collective::all_gather:
      return (parts - 1) / parts;
    case Collective::broadcast:
    case Collective::send:
      return 1;
  }
  return 1;
}

}  // namespace planewise::workload
