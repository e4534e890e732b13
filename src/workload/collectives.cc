#include "workload/collectives.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "workload/traffic.h"

namespace planewise::workload {
namespace {

using spec::Algorithm;
using spec::Collective;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

void append(std::vector<Step>& steps, const std::vector<Step>& more) {
  steps.insert(steps.end(), more.begin(), more.end());
}

class Expander {
 public:
  Expander(const CollectiveInput& in, Program& program)
      : in_(in), program_(program), gpus_(in.placement.gpus_per_node) {
    out_.role_of_rank.assign(at(program.rank_count()), 0);
    out_.roles.emplace_back();  // of ranks that have no part in the step
  }

  StepRoles run() {
    switch (in_.step.collective) {
      case Collective::all_to_all:
        all_to_all();
        break;
      case Collective::all_reduce:
        all_reduce();
        break;
      case Collective::reduce_scatter:
        scatter_or_gather(true);
        break;
      case Collective::all_gather:
        scatter_or_gather(false);
        break;
      case Collective::broadcast:
        in_.step.algorithm == Algorithm::tree ? broadcast_tree() : broadcast_chain();
        break;
      case Collective::send:
        send();
        break;
    }
    return std::move(out_);
  }

 private:
  const spec::TrafficStep& step() const { return in_.step; }
  int size() const { return static_cast<int>(in_.groups.front().size()); }
  int nodes() const { return size() / gpus_; }

  // --- labels and transfers

  int add_label(const std::string& what, bool is_message) {
    program_.labels.push_back({.name = step().name + what,
                               .collective = step().curve,
                               .evidence = in_.curve.evidence,
                               .is_message = is_message});
    return static_cast<int>(program_.labels.size()) - 1;
  }

  void add_all_pairs(int label, std::vector<int> members, Bytes payload) {
    program_.transfers.push_back(
        {.label = label,
         .members = std::move(members),
         .all_pairs = AllPairs{.in_node = payload / in_.curve.nvlink_efficiency,
                               .between_nodes = payload / in_.curve.rail_efficiency},
         .latency = in_.curve.latency});
  }

  RankFlow flow(int source, int destination, Bytes payload) const {
    return wire_flow(source, destination, payload, in_.placement, in_.curve);
  }

  void add_message(int label, int source, int destination, Bytes payload) {
    program_.transfers.push_back({.label = label,
                                  .members = {source, destination},
                                  .flows = {flow(source, destination, payload)},
                                  .latency = in_.curve.latency});
  }

  // --- parts of groups

  std::vector<int> in_node(const std::vector<int>& group, int node) const {
    return {group.begin() + node * gpus_, group.begin() + (node + 1) * gpus_};
  }
  std::vector<int> on_rail(const std::vector<int>& group, int local) const {
    std::vector<int> ranks;
    for (int node = 0; node < nodes(); ++node) ranks.push_back(group[at(node * gpus_ + local)]);
    return ranks;
  }

  // --- roles

  /// All ranks of all groups do the same.
  void same_role(const std::vector<Step>& steps) {
    out_.roles.push_back(steps);
    const int role = static_cast<int>(out_.roles.size()) - 1;
    for (const std::vector<int>& group : in_.groups) {
      for (const int rank : group) out_.role_of_rank[at(rank)] = role;
    }
  }

  // --- pieces that collectives are made of; each returns the steps of a rank

  std::vector<Step> exchange_in_node(const std::string& what, Bytes payload) {
    if (gpus_ == 1) return {};
    const int label = add_label(what, false);
    for (const std::vector<int>& group : in_.groups) {
      for (int node = 0; node < nodes(); ++node) {
        add_all_pairs(label, in_node(group, node), payload);
      }
    }
    return {{StepKind::exchange, label}};
  }

  std::vector<Step> exchange_on_rails(const std::string& what, Bytes payload) {
    if (nodes() == 1) return {};
    const int label = add_label(what, false);
    for (const std::vector<int>& group : in_.groups) {
      for (int local = 0; local < gpus_; ++local) {
        add_all_pairs(label, on_rail(group, local), payload);
      }
    }
    return {{StepKind::exchange, label}};
  }

  /// `rounds` times: send to the next, receive from the one before.
  std::vector<Step> ring(const std::string& what, const RankGroups& rings, int rounds,
                         Bytes payload) {
    if (rings.front().size() == 1) return {};
    const int label = add_label(what, true);
    for (const std::vector<int>& ranks : rings) {
      for (std::size_t i = 0; i < ranks.size(); ++i) {
        add_message(label, ranks[i], ranks[(i + 1) % ranks.size()], payload);
      }
    }
    std::vector<Step> steps;
    steps.reserve(2 * at(rounds));
    for (int round = 0; round < rounds; ++round) {
      append(steps, {{StepKind::send, label}, {StepKind::receive, label}});
    }
    return steps;
  }

  std::vector<Step> rail_rings(const std::string& what, int rounds, Bytes payload) {
    RankGroups rails;
    for (const std::vector<int>& group : in_.groups) {
      for (int local = 0; local < gpus_; ++local) rails.push_back(on_rail(group, local));
    }
    return ring(what, rails, rounds, payload);
  }

  // --- collectives

  void all_to_all() {
    if (step().algorithm == Algorithm::direct) {
      direct(step().size);
    } else if (step().algorithm == Algorithm::two_hop) {
      // To the GPU of rail r goes what is for rail r of every node; it then sends each node what
      // the GPUs of its own node have for it.
      std::vector<Step> steps = exchange_in_node(", in the node", step().size * nodes());
      append(steps, exchange_on_rails(", over the rails", step().size * gpus_));
      same_role(steps);
    } else {
      node_limited();
    }
  }

  void direct(Bytes payload) {
    const int label = add_label("", false);
    for (const std::vector<int>& group : in_.groups) add_all_pairs(label, group, payload);
    same_role({{StepKind::exchange, label}});
  }

  void node_limited() {
    const int label = add_label("", false);
    for (const std::vector<int>& group : in_.groups) {
      Transfer transfer{.label = label, .members = group, .latency = in_.curve.latency};
      for (int i = 0; i < size(); ++i) {
        const int node = i / gpus_, local = i % gpus_;
        for (int other = 0; other < nodes(); ++other) {
          if (other == node) continue;
          transfer.flows.push_back(
              flow(group[at(i)], group[at(other * gpus_ + local)], step().size));
        }
        for (int peer = 0; peer < gpus_ && step().nvlink_size > Bytes{}; ++peer) {
          if (peer == local) continue;
          transfer.flows.push_back(
              flow(group[at(i)], group[at(node * gpus_ + peer)], step().nvlink_size));
        }
      }
      program_.transfers.push_back(std::move(transfer));
    }
    same_role({{StepKind::exchange, label}});
  }

  void all_reduce() {
    const Bytes piece = step().size / size();
    if (step().algorithm == Algorithm::ring) {
      same_role(ring("", in_.groups, 2 * (size() - 1), piece));
    } else if (step().algorithm == Algorithm::hierarchical) {
      const Bytes share = step().size / gpus_;
      std::vector<Step> steps = exchange_in_node(", reduced in the node", share);
      append(steps, rail_rings(", over the rails", 2 * (nodes() - 1), piece));
      append(steps, exchange_in_node(", gathered in the node", share));
      same_role(steps);
    } else {
      reduce_tree();
    }
  }

  void scatter_or_gather(bool scatters) {
    const Bytes piece = step().size / size();
    if (step().algorithm == Algorithm::direct) {
      direct(piece);
    } else if (step().algorithm == Algorithm::ring) {
      same_role(ring("", in_.groups, size() - 1, piece));
    } else {
      std::vector<Step> steps;
      const Bytes share = step().size / gpus_;
      if (scatters) append(steps, exchange_in_node(", in the node", share));
      append(steps, rail_rings(", over the rails", nodes() - 1, piece));
      if (!scatters) append(steps, exchange_in_node(", in the node", share));
      same_role(steps);
    }
  }

  void broadcast_chain() {
    const int label = add_label("", true);
    for (const std::vector<int>& group : in_.groups) {
      for (std::size_t i = 0; i + 1 < group.size(); ++i) {
        add_message(label, group[i], group[i + 1], step().size / step().chunks);
      }
    }
    std::vector<Step> first, middle, last;
    for (int chunk = 0; chunk < step().chunks; ++chunk) {
      first.push_back({StepKind::send, label});
      append(middle, {{StepKind::receive, label}, {StepKind::send, label}});
      last.push_back({StepKind::receive, label});
    }
    const int role = static_cast<int>(out_.roles.size());
    out_.roles.insert(out_.roles.end(), {first, middle, last});
    for (const std::vector<int>& group : in_.groups) {
      for (const int rank : group) out_.role_of_rank[at(rank)] = role + 1;
      out_.role_of_rank[at(group.front())] = role;
      out_.role_of_rank[at(group.back())] = role + 2;
    }
  }

  // --- trees. A label a side, so that a rank has one message of each label at most.

  struct Sides {
    int left = -1;
    int right = -1;
    int of(bool is_left) const { return is_left ? left : right; }
  };

  Sides add_tree_messages(const std::string& what, bool upwards) {
    const Sides sides{.left = add_label(what + " left", true),
                      .right = add_label(what + " right", true)};
    const Bytes chunk = step().size / step().chunks;
    for (const std::vector<int>& group : in_.groups) {
      for (int i = 1; i < size(); ++i) {
        const TreePlace place = tree_place(i, size());
        const int child = group[at(i)], parent = group[at(place.parent)];
        add_message(sides.of(place.is_left), upwards ? child : parent, upwards ? parent : child,
                    chunk);
      }
    }
    return sides;
  }

  /// What a rank does with one chunk on its way to the root, and from it.
  static void go_up(std::vector<Step>& steps, const TreePlace& place, const Sides& up) {
    if (place.children > 0) steps.push_back({StepKind::receive, up.left});
    if (place.children > 1) steps.push_back({StepKind::receive, up.right});
    if (place.parent >= 0) steps.push_back({StepKind::send, up.of(place.is_left)});
  }
  static void go_down(std::vector<Step>& steps, const TreePlace& place, const Sides& down) {
    if (place.parent >= 0) steps.push_back({StepKind::receive, down.of(place.is_left)});
    if (place.children > 0) steps.push_back({StepKind::send, down.left});
    if (place.children > 1) steps.push_back({StepKind::send, down.right});
  }

  /// Gives every rank the role that `steps_of` makes for its place, each role once.
  template <class StepsOf>
  void tree_roles(const StepsOf& steps_of) {
    std::map<std::tuple<bool, bool, int, int>, int> role_of;
    for (int i = 0; i < size(); ++i) {
      const TreePlace place = tree_place(i, size());
      const auto [entry, is_new] =
          role_of.try_emplace({place.parent >= 0, place.is_left, place.children, place.depth},
                              static_cast<int>(out_.roles.size()));
      if (is_new) out_.roles.push_back(steps_of(place));
      for (const std::vector<int>& group : in_.groups) {
        out_.role_of_rank[at(group[at(i)])] = entry->second;
      }
    }
  }

  void broadcast_tree() {
    const Sides down = add_tree_messages(", to the", false);
    tree_roles([&](const TreePlace& place) {
      std::vector<Step> steps;
      for (int chunk = 0; chunk < step().chunks; ++chunk) go_down(steps, place, down);
      return steps;
    });
  }

  /// Up to the root and down again. In the steady state chunk j passes a rank of depth d on its way
  /// down when chunk j + 2 d passes it on its way up; the rank takes them in that order.
  void reduce_tree() {
    const Sides up = add_tree_messages(", up from the", true);
    const Sides down = add_tree_messages(", down to the", false);
    tree_roles([&](const TreePlace& place) {
      std::vector<Step> steps;
      const int lag = 2 * place.depth;
      for (int chunk = 0; chunk < step().chunks + lag; ++chunk) {
        if (chunk < step().chunks) go_up(steps, place, up);
        if (chunk >= lag) go_down(steps, place, down);
      }
      return steps;
    });
  }

  // --- pairs

  /// Pairs that share a rank, directly or over others, are one exchange.
  void send() {
    const int label = add_label("", false);
    std::vector<int> leader(at(size()));
    std::iota(leader.begin(), leader.end(), 0);
    const auto leader_of = [&](int i) {
      while (leader[at(i)] != i) i = leader[at(i)] = leader[at(leader[at(i)])];
      return i;
    };
    for (const spec::RankPair& pair : step().pairs) {
      const int from = leader_of(pair.from), to = leader_of(pair.to);
      leader[at(std::max(from, to))] = std::min(from, to);
    }
    std::map<int, Transfer> exchanges;
    for (const spec::RankPair& pair : step().pairs) {
      exchanges[leader_of(pair.from)].flows.push_back(
          {.source = pair.from, .destination = pair.to});
    }
    for (int i = 0; i < size(); ++i) {
      const auto found = exchanges.find(leader_of(i));
      if (found != exchanges.end()) found->second.members.push_back(i);
    }
    out_.roles.push_back({{StepKind::exchange, label}});
    for (const std::vector<int>& group : in_.groups) {
      for (const auto& [first, pattern] : exchanges) add_sends(label, group, pattern);
    }
  }

  /// The pattern's members and flows name places in the group.
  void add_sends(int label, const std::vector<int>& group, const Transfer& pattern) {
    Transfer transfer{.label = label, .latency = in_.curve.latency};
    for (const int member : pattern.members) {
      transfer.members.push_back(group[at(member)]);
      out_.role_of_rank[at(group[at(member)])] = static_cast<int>(out_.roles.size()) - 1;
    }
    for (const RankFlow& pair : pattern.flows) {
      transfer.flows.push_back(
          flow(group[at(pair.source)], group[at(pair.destination)], step().size));
    }
    program_.transfers.push_back(std::move(transfer));
  }

  const CollectiveInput& in_;
  Program& program_;
  int gpus_;
  StepRoles out_;
};

}  // namespace

RankGroups groups_of(const spec::TrafficStep& step, int ranks, int gpus_per_node) {
  PW_CHECK(step.group > 1);
  PW_CHECK(ranks % step.group == 0);
  const int count = ranks / step.group;
  RankGroups groups(at(count));
  for (int rank = 0; rank < ranks; ++rank) {
    const bool is_packed = step.layout == spec::GroupLayout::packed;
    const int group = is_packed ? rank / step.group : rank / gpus_per_node % count;
    groups[at(group)].push_back(rank);
  }
  return groups;
}

TreePlace tree_place(int index, int size) {
  const int left = 2 * index + 1;
  return {.parent = index == 0 ? -1 : (index - 1) / 2,
          .is_left = index % 2 == 1,
          .children = left + 1 < size ? 2
                      : left < size   ? 1
                                      : 0,
          .depth = static_cast<int>(std::bit_width(static_cast<unsigned>(index) + 1U)) - 1};
}

StepRoles expand_collective(const CollectiveInput& in, Program& program) {
  return Expander(in, program).run();
}

}  // namespace planewise::workload
