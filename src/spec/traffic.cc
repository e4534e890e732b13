#include "spec/traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "spec/htsim_matrix.h"
#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kRanks{.min = 2, .max = 1'000'000};
constexpr double kMostFlows = 100e6;             // Of one direct exchange of all groups.
constexpr std::int64_t kMostSlots = 10'000'000;  // Steps times repeats; kept in memory.
constexpr int kMostChunks = 100'000;

constexpr std::array<std::string_view, 6> kCollectives = {
    "all_to_all", "all_reduce", "reduce_scatter", "all_gather", "broadcast", "send"};
constexpr std::array<std::string_view, 6> kAlgorithms = {"direct", "node_limited", "two_hop",
                                                         "ring",   "tree",         "hierarchical"};

Algorithm read_algorithm(MapReader& map, Collective collective) {
  using A = Algorithm;
  switch (collective) {
    case Collective::all_to_all:
      return map.choice<A>(
          "algorithm",
          {{"direct", A::direct}, {"node_limited", A::node_limited}, {"two_hop", A::two_hop}});
    case Collective::all_reduce:
      return map.choice<A>(
          "algorithm", {{"ring", A::ring}, {"tree", A::tree}, {"hierarchical", A::hierarchical}});
    case Collective::reduce_scatter:
    case Collective::all_gather:
      return map.choice<A>(
          "algorithm",
          {{"ring", A::ring}, {"direct", A::direct}, {"hierarchical", A::hierarchical}});
    case Collective::broadcast:
      return map.choice<A>("algorithm", {{"ring", A::ring}, {"tree", A::tree}});
    case Collective::send:
      map.not_used({"algorithm"}, "a send goes from rank to rank; it has no algorithm");
      return A::direct;
  }
  return A::direct;
}

/// The profile's collective that a step's cost is read from, unless it says another.
std::string default_curve(Collective collective) {
  if (collective == Collective::all_to_all) return "ep_dispatch";
  if (collective == Collective::send) return "point_to_point";
  return "ring";
}

/// `ranks` is 0 if it was not read well; then any rank will do.
int read_rank(MapReader& map, std::string_view key, int ranks) {
  return map.small_integer(key, {.min = 0, .max = (ranks > 0 ? ranks : kRanks.max) - 1});
}

/// The pairs of one pattern, of which there is exactly one.
void read_pairs(MapReader& map, int ranks, TrafficStep& step) {
  const bool has_pairs = map.has("pairs");
  const bool has_shift = map.has("shift");
  const bool has_incast = map.has("incast");
  if (int{has_pairs} + int{has_shift} + int{has_incast} != 1) {
    map.allow({"pairs", "shift", "incast"});
    map.error("collective", "a send needs one of 'pairs', 'shift' and 'incast'",
              "write 'shift: 1' for each rank to its next, 'incast: 8' for eight ranks to one");
    return;
  }
  if (has_pairs) {
    map.not_used({"group", "layout"}, "the pairs name their ranks");
    for (MapReader& pair : map.maps("pairs")) {
      const RankPair read{.from = read_rank(pair, "from", ranks),
                          .to = read_rank(pair, "to", ranks)};
      if (pair.read_well({"from", "to"}) && read.from == read.to) {
        pair.error("to", "a rank sends nothing to itself");
      }
      step.pairs.push_back(read);
    }
    return;
  }
  const IntegerRange range{.min = 1, .max = (step.group > 0 ? step.group : kRanks.max) - 1};
  const std::string_view key = has_shift ? "shift" : "incast";
  const int number = map.small_integer(key, range);
  if (step.group == 0 || !map.read_well({key})) return;
  // Of the first group; the others are like it.
  if (has_shift) {
    for (int i = 0; i < step.group; ++i) step.pairs.push_back({i, (i + number) % step.group});
  } else {
    for (int i = 1; i <= number; ++i) step.pairs.push_back({i, 0});
  }
}

/// Ranks a group, which divide all ranks; 0 if they were not read well.
int read_group(MapReader& map, int ranks) {
  if (!map.has("group")) return ranks;
  const int group = map.small_integer("group", {.min = 2, .max = kRanks.max});
  if (!map.read_well({"group"}) || ranks == 0) return 0;
  if (ranks % group == 0) return group;
  map.error("group", fmt::format("{} ranks do not divide into groups of {}", ranks, group));
  return 0;
}

void read_sizes(MapReader& map, TrafficStep& step) {
  step.size = map.quantity<Bytes>("size");
  if (!map.read_well({"algorithm"})) {
    map.allow({"nvlink_size", "chunks"});
    return;
  }
  const bool is_node_limited = step.algorithm == Algorithm::node_limited;
  if (is_node_limited) {
    step.nvlink_size = map.quantity<Bytes>("nvlink_size", Sign::not_negative);
  } else {
    map.not_used({"nvlink_size"}, "only 'algorithm: node_limited' has it");
  }
  const bool has_chunks =
      step.algorithm == Algorithm::tree || step.collective == Collective::broadcast;
  if (!has_chunks) {
    map.not_used({"chunks"}, "only a broadcast and a tree pass on chunk by chunk");
  } else if (map.has("chunks")) {
    step.chunks = map.small_integer("chunks", {.min = 1, .max = kMostChunks});
  }
}

void read_collective(MapReader& map, int ranks, TrafficStep& step) {
  step.collective =
      map.choice<Collective>("collective", {{"all_to_all", Collective::all_to_all},
                                            {"all_reduce", Collective::all_reduce},
                                            {"reduce_scatter", Collective::reduce_scatter},
                                            {"all_gather", Collective::all_gather},
                                            {"broadcast", Collective::broadcast},
                                            {"send", Collective::send}});
  if (!map.read_well({"collective"})) {
    map.allow({"algorithm", "group", "layout", "size", "nvlink_size", "chunks", "pairs", "shift",
               "incast", "curve", "name"});
    return;
  }
  step.algorithm = read_algorithm(map, step.collective);
  step.group = read_group(map, ranks);
  step.layout = read_group_layout(map, "layout");
  read_sizes(map, step);
  if (step.collective == Collective::send) {
    read_pairs(map, ranks, step);
  } else {
    map.not_used({"pairs", "shift", "incast"}, "only 'collective: send' has it");
  }
  step.curve = map.has("curve") ? map.text("curve") : default_curve(step.collective);
  step.name = std::string(collective_word(step.collective));
  if (map.has("name")) step.name = map.text("name");
  const double flows = static_cast<double>(ranks) * (step.group - 1);
  if (step.algorithm == Algorithm::direct && step.collective != Collective::send &&
      flows > kMostFlows) {
    map.error("group", fmt::format("{} ranks in groups of {} exchange {:.1e} flows; the most is "
                                   "{:.0e}",
                                   ranks, step.group, flows, kMostFlows));
  }
}

TrafficStep read_step(MapReader& map, int ranks) {
  TrafficStep step;
  if (!map.is_map()) return step;
  if (map.has("compute")) {
    step.is_compute = true;
    step.compute = map.quantity<Seconds>("compute");
    step.name = map.has("name") ? map.text("name") : "compute";
    map.not_used({"collective", "size", "group", "algorithm", "layout"},
                 "a step is a collective or a 'compute'");
    return step;
  }
  read_collective(map, ranks, step);
  return step;
}

void read_steps(MapReader& root, TrafficSpec& traffic) {
  std::vector<MapReader> steps = root.maps("steps");
  if (root.read_well({"steps"}) && steps.empty()) root.error("steps", "there is no step");
  for (MapReader& map : steps) traffic.steps.push_back(read_step(map, traffic.ranks));
  const auto count = static_cast<std::int64_t>(traffic.steps.size());
  if (root.read_well({"repeat"}) && count > 0 && traffic.repeat > kMostSlots / count) {
    root.error("repeat",
               fmt::format("{} times {} steps; the most is {}", traffic.repeat, count, kMostSlots));
  }
}

}  // namespace

std::vector<std::string> curves_of(const TrafficSpec& traffic) {
  std::vector<std::string> curves;
  for (const TrafficStep& step : traffic.steps) {
    const bool is_new = std::find(curves.begin(), curves.end(), step.curve) == curves.end();
    if (!step.is_compute && is_new) curves.push_back(step.curve);
  }
  return curves;
}

std::string_view collective_word(Collective collective) {
  return kCollectives[static_cast<std::size_t>(collective)];
}

std::string_view algorithm_word(Algorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

TrafficSpec read_traffic(Document document, Diagnostics& diagnostics) {
  return read_document<TrafficSpec>(
      std::move(document), kWorkloadFile, diagnostics, [](TrafficSpec& traffic, MapReader& root) {
        enum class Phase { of_traffic };
        traffic.name = root.text("name");
        traffic.source = root.text("source");
        root.choice<Phase>("phase", {{"traffic", Phase::of_traffic}});
        if (root.has("profile")) traffic.profile_path = root.file("profile");
        traffic.ranks = root.small_integer("ranks", kRanks);
        if (!root.read_well({"ranks"})) traffic.ranks = 0;
        if (root.has("size_spread")) {
          constexpr double kMostSpread = 0.99;
          traffic.size_spread = root.number("size_spread", {.min = 0, .max = kMostSpread});
        }
        if (root.has("repeat"))
          traffic.repeat = root.integer("repeat", {.min = 1, .max = kMostSlots});
        read_steps(root, traffic);
      });
}

TrafficSpec read_traffic(const std::string& path, Diagnostics& diagnostics) {
  if (is_htsim_matrix(path)) return read_htsim_matrix(path, diagnostics);
  return read_traffic(load_document(path, diagnostics), diagnostics);
}

namespace {

/// Whether `document` is a workload whose `phase` is this word.
bool has_phase(const Document& document, std::string_view phase) {
  if (document.root < 0) return false;
  const auto node = [&](int index) -> const Node& {
    return document.nodes[static_cast<std::size_t>(index)];
  };
  bool is_workload = false;
  bool is_phase = false;
  for (const MapEntry& entry : node(document.root).entries) {
    is_workload = is_workload || entry.key == kWorkloadFile.key;
    is_phase = is_phase || (entry.key == "phase" && node(entry.node).text == phase);
  }
  return is_workload && is_phase;
}

}  // namespace

bool is_traffic(const Document& document) { return has_phase(document, "traffic"); }

bool is_inference(const Document& document) { return has_phase(document, "inference"); }

}  // namespace planewise::spec
