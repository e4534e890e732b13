#include "simulate/symmetry.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

#include "base/check.h"
#include "base/random.h"

namespace planewise::simulate {
namespace {

using Colour = std::uint64_t;
using Colours = std::vector<Colour>;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

Colour colour_of(double value) { return mix_bits(std::bit_cast<std::uint64_t>(value)); }

/// A colour for everything in a system; equal colours are candidates for one class.
struct Colouring {
  Colours ranks;
  Colours transfers;
  Colours flows;
  Colours links;
};

/// A set of colours that grows with its members only: of millions of flows there are often few.
class ColourSet {
 public:
  /// Returns the number of the colour, in order of first sight.
  int number_of(Colour colour) {
    std::size_t place = place_of(colour);
    while (table_[place].number >= 0 && table_[place].colour != colour) {
      place = (place + 1) & (table_.size() - 1);
    }
    if (table_[place].number >= 0) return table_[place].number;
    table_[place] = {.colour = colour, .number = count_++};
    const int number = table_[place].number;
    if (2 * static_cast<std::size_t>(count_) > table_.size()) grow();
    return number;
  }
  int count() const { return count_; }

 private:
  struct Entry {
    Colour colour = 0;
    int number = -1;
  };
  std::size_t place_of(Colour colour) const { return colour & (table_.size() - 1); }
  void grow() {
    std::vector<Entry> old(2 * table_.size());
    old.swap(table_);
    for (const Entry& entry : old) {
      if (entry.number < 0) continue;
      std::size_t place = place_of(entry.colour);
      while (table_[place].number >= 0) place = (place + 1) & (table_.size() - 1);
      table_[place] = entry;
    }
  }

  std::vector<Entry> table_ = std::vector<Entry>(64);  // Colours are mixed: their low bits will do.
  int count_ = 0;
};

int distinct(const Colours& colours) {
  ColourSet set;
  for (const Colour colour : colours) set.number_of(colour);
  return set.count();
}

int class_count(const Colouring& c) {
  return distinct(c.ranks) + distinct(c.transfers) + distinct(c.flows) + distinct(c.links);
}

/// What is known without looking at neighbours: programs, labels, sizes, capacities.
Colouring first_colours(const System& system) {
  Colouring c;
  for (const int rank : system.rank_of) {
    c.ranks.push_back(mix_bits(at(system.program->stage_of_rank[at(rank)])));
  }
  for (const SystemTransfer& transfer : system.transfers) {
    c.transfers.push_back(fold_bits(mix_bits(at(transfer.label)), colour_of(transfer.tail.base())));
  }
  c.flows.reserve(system.flows.size());
  for (const SystemFlow& flow : system.flows) {
    const Colour size_and_latency =
        fold_bits(colour_of(flow.size.base()), colour_of(flow.latency.base()));
    c.flows.push_back(fold_bits(size_and_latency, at(flow.weight)));
  }
  for (const SystemLink& link : system.links) {
    // By kind too, so that a report can tell kinds apart; rates would not need it.
    c.links.push_back(fold_bits(colour_of(link.capacity.base()), static_cast<Colour>(link.kind)));
  }
  return c;
}

/// One round: every colour takes in those of its neighbours. Sums of mixed colours stand for
/// multisets. Flows, of which there may be millions, are coloured in place.
void refine(const System& system, Colouring& colours) {
  const Colours old_ranks = colours.ranks;
  const Colours old_transfers = colours.transfers;
  Colours link_sums(colours.links.size(), 0);
  Colours rank_sums(colours.ranks.size(), 0);
  constexpr Colour kSource = 1, kDestination = 2, kMember = 3;
  for (std::size_t t = 0; t < system.transfers.size(); ++t) {
    const SystemTransfer& transfer = system.transfers[t];
    Colour transfer_sum = 0;
    for (int f = transfer.flow_begin; f < transfer.flow_end; ++f) {
      const SystemFlow& flow = system.flows[at(f)];
      Colour colour = fold_bits(colours.flows[at(f)], old_transfers[t]);
      colour = fold_bits(colour, old_ranks[at(flow.source)]);
      colour = fold_bits(colour, old_ranks[at(flow.destination)]);
      for (const std::int32_t link : system.path(flow))
        colour = fold_bits(colour, colours.links[at(link)]);
      colours.flows[at(f)] = colour;
      for (const std::int32_t link : system.path(flow)) link_sums[at(link)] += mix_bits(colour);
      rank_sums[at(flow.source)] += fold_bits(colour, kSource);
      rank_sums[at(flow.destination)] += fold_bits(colour, kDestination);
      transfer_sum += mix_bits(colour);
    }
    // Messages name their members in order (source, destination); exchanges in none.
    const bool ordered = system.program->labels[at(transfer.label)].is_message;
    for (std::size_t m = 0; m < transfer.members.size(); ++m) {
      const int rank = transfer.members[m];
      const Colour role = ordered ? kMember + m : kMember;
      transfer_sum += fold_bits(old_ranks[at(rank)], role);
      rank_sums[at(rank)] += fold_bits(fold_bits(old_transfers[t], role), kMember);
    }
    colours.transfers[t] = fold_bits(old_transfers[t], transfer_sum);
  }
  for (std::size_t i = 0; i < link_sums.size(); ++i)
    colours.links[i] = fold_bits(colours.links[i], link_sums[i]);
  for (std::size_t i = 0; i < rank_sums.size(); ++i)
    colours.ranks[i] = fold_bits(old_ranks[i], rank_sums[i]);
}

/// Classes numbered by their first member, which represents them.
struct Partition {
  std::vector<int> class_of;
  std::vector<int> representative;
  std::vector<std::int64_t> size;

  int count() const { return static_cast<int>(representative.size()); }
};

Partition partition_of(const Colours& colours) {
  Partition partition;
  ColourSet numbers;
  partition.class_of.reserve(colours.size());
  for (std::size_t i = 0; i < colours.size(); ++i) {
    const int number = numbers.number_of(colours[i]);
    if (number == partition.count()) {
      partition.representative.push_back(static_cast<int>(i));
      partition.size.push_back(0);
    }
    partition.class_of.push_back(number);
    partition.size[at(number)] += 1;
  }
  return partition;
}

struct Partitions {
  Partition ranks;
  Partition transfers;
  Partition flows;
  Partition links;
};

Partitions coarsest_partitions(const System& system) {
  Colouring colours = first_colours(system);
  for (int count = class_count(colours);;) {
    refine(system, colours);
    const int refined = class_count(colours);
    if (refined == count) break;
    count = refined;
  }
  return {partition_of(colours.ranks), partition_of(colours.transfers), partition_of(colours.flows),
          partition_of(colours.links)};
}

/// crossings[class of flows][class of links] = how often members of the one name members of the
/// other, times their weight.
using Crossings = std::vector<std::map<int, std::int64_t>>;

Crossings count_crossings(const System& system, const Partitions& p) {
  Crossings crossings(at(p.flows.count()));
  for (std::size_t f = 0; f < system.flows.size(); ++f) {
    auto& row = crossings[at(p.flows.class_of[f])];
    for (const std::int32_t link : system.path(system.flows[f]))
      row[p.links.class_of[at(link)]] += system.flows[f].weight;
  }
  return crossings;
}

/// Stops the program unless every link of a class is crossed by the same number of flows of each
/// class.
void check_equitable(const System& system, const Partitions& p, const Crossings& crossings) {
  std::vector<std::map<int, std::int64_t>> seen(system.links.size());
  for (std::size_t f = 0; f < system.flows.size(); ++f) {
    for (const std::int32_t link : system.path(system.flows[f]))
      seen[at(link)][p.flows.class_of[f]] += system.flows[f].weight;
  }
  for (std::size_t link = 0; link < seen.size(); ++link) {
    const int link_class = p.links.class_of[link];
    for (const auto& [flow_class, count] : seen[link]) {
      const std::int64_t all = crossings[at(flow_class)].at(link_class);
      PW_CHECK(count * p.links.size[at(link_class)] == all);
    }
  }
}

void append_flow_class(const System& system, const Partitions& p, const Crossings& crossings,
                       int flow_class, System& reduced) {
  const SystemFlow& member = system.flows[at(p.flows.representative[at(flow_class)])];
  SystemFlow flow = member;
  flow.source = p.ranks.class_of[at(member.source)];
  flow.destination = p.ranks.class_of[at(member.destination)];
  std::int64_t weight = 0;
  for (const auto& [link_class, all] : crossings[at(flow_class)]) {
    weight = std::gcd(weight, all / p.links.size[at(link_class)]);
  }
  // A flow without a path keeps its weight, which then changes nothing.
  if (weight > 0) flow.weight = static_cast<int>(weight);
  reduced.flow_counts.push_back(p.flows.size[at(flow_class)]);
  flow.path_begin = static_cast<std::int32_t>(reduced.paths.size());
  for (const auto& [link_class, all] : crossings[at(flow_class)]) {
    const std::int64_t times = all / p.links.size[at(link_class)] / flow.weight;
    reduced.paths.insert(reduced.paths.end(), static_cast<std::size_t>(times), link_class);
  }
  flow.path_length = static_cast<std::int32_t>(reduced.paths.size()) - flow.path_begin;
  reduced.flows.push_back(flow);
}

System quotient(const System& system, const Partitions& p) {
  const Crossings crossings = count_crossings(system, p);
  check_equitable(system, p, crossings);
  System reduced;
  reduced.program = system.program;
  reduced.class_of = p.ranks.class_of;
  for (int c = 0; c < p.ranks.count(); ++c) {
    reduced.rank_of.push_back(system.rank_of[at(p.ranks.representative[at(c)])]);
    reduced.rank_weight.push_back(p.ranks.size[at(c)]);
  }
  for (int c = 0; c < p.links.count(); ++c) {
    reduced.links.push_back(system.links[at(p.links.representative[at(c)])]);
    reduced.links.back().count = p.links.size[at(c)];
  }
  for (int t = 0; t < p.transfers.count(); ++t) {
    const SystemTransfer& member = system.transfers[at(p.transfers.representative[at(t)])];
    SystemTransfer transfer = member;
    transfer.count = p.transfers.size[at(t)];
    transfer.members.clear();
    for (const int rank : member.members) transfer.members.push_back(p.ranks.class_of[at(rank)]);
    const bool ordered = system.program->labels[at(transfer.label)].is_message;
    if (!ordered) {
      std::sort(transfer.members.begin(), transfer.members.end());
      const auto end = std::unique(transfer.members.begin(), transfer.members.end());
      transfer.members.erase(end, transfer.members.end());
    }
    transfer.flow_begin = static_cast<std::int32_t>(reduced.flows.size());
    std::vector<int> flow_classes;
    for (int f = member.flow_begin; f < member.flow_end; ++f) {
      flow_classes.push_back(p.flows.class_of[at(f)]);
    }
    std::sort(flow_classes.begin(), flow_classes.end());
    flow_classes.erase(std::unique(flow_classes.begin(), flow_classes.end()), flow_classes.end());
    for (const int c : flow_classes) append_flow_class(system, p, crossings, c, reduced);
    transfer.flow_end = static_cast<std::int32_t>(reduced.flows.size());
    reduced.transfers.push_back(std::move(transfer));
  }
  return reduced;
}

}  // namespace

ReducedSystem reduce(const System& system) {
  const Partitions p = coarsest_partitions(system);
  ReducedSystem result{.system = quotient(system, p), .symmetry = no_symmetry(system)};
  result.symmetry.rank_classes = p.ranks.count();
  result.symmetry.flow_classes = p.flows.count();
  result.symmetry.link_classes = p.links.count();
  return result;
}

Symmetry no_symmetry(const System& system) {
  const auto ranks = static_cast<std::int64_t>(system.rank_of.size());
  const auto flows = static_cast<std::int64_t>(system.flows.size());
  const auto links = static_cast<std::int64_t>(system.links.size());
  return {.ranks = ranks,
          .rank_classes = ranks,
          .flows = flows,
          .flow_classes = flows,
          .links = links,
          .link_classes = links};
}

}  // namespace planewise::simulate
