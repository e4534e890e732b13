// Random topologies that can be built, for law tests.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/random.h"
#include "fabric/make_topology.h"
#include "spec/ports.h"

namespace planewise::test {

/// The seed of a law test: the environment's PLANEWISE_SEED, to repeat a failure, or else `usual`.
inline std::uint64_t seed_or(std::uint64_t usual) {
  const char* text = std::getenv("PLANEWISE_SEED");
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

/// What a failed law prints, so that its case can be built by hand.
inline std::string describe(std::uint64_t seed, const spec::TopologySpec& topology) {
  const spec::FabricSpec& fabric = topology.fabric;
  const spec::TreeSpec& tree = fabric.tree();
  return "PLANEWISE_SEED=" + std::to_string(seed) + ": " +
         std::string(spec::family_word(fabric.family)) + ", layers " + std::to_string(tree.layers) +
         ", planes " + std::to_string(fabric.planes) + ", radix " + std::to_string(fabric.radix) +
         ", nodes " + std::to_string(topology.nodes.count) + " x " +
         std::to_string(topology.nodes.nics) + ", oversubscription " +
         std::to_string(tree.leaf_oversubscription) + " and " +
         std::to_string(tree.spine_oversubscription) + ", units of " +
         std::to_string(tree.unit_nodes) +
         (tree.striping == spec::Striping::even ? ", even" : ", greedy");
}

/// Returns a topology that spec/ would accept: any family of trees, both depths, radix 2 to 24, 1:1
/// to 4:1, at most `endpoints` endpoints; one in four is as full as that allows.
inline spec::TopologySpec random_topology(Random& random, std::int64_t endpoints) {
  constexpr std::array<double, 5> kRatios{1, 1.5, 2, 7.0 / 3, 4};
  const auto ratio = [&] { return kRatios[static_cast<std::size_t>(random.integer(0, 4))]; };
  for (;;) {
    TopologyOptions options;
    options.family = static_cast<spec::Family>(random.integer(0, 3));
    options.layers = static_cast<int>(random.integer(2, 3));
    options.gpus = static_cast<int>(random.integer(1, 8));
    options.radix = static_cast<int>(2 * random.integer(1, 12));
    options.leaf_oversubscription = ratio();
    options.spine_oversubscription = options.layers == 3 ? ratio() : 1;
    options.striping = static_cast<spec::Striping>(random.integer(0, 1));
    if (options.family == spec::Family::mpft) {
      do {
        options.planes = static_cast<int>(random.integer(1, options.gpus));
      } while (options.gpus % options.planes != 0);
    }
    if (options.family == spec::Family::rail_only) options.planes = options.gpus;
    spec::TopologySpec topology = make_topology(options);
    const int down = spec::leaf_ports(topology).down;
    if (down == 0) continue;
    const bool by_units = options.family == spec::Family::mrft && random.integer(0, 1) == 0;
    if (by_units) topology.fabric.tree().unit_nodes = random.integer(1, down);
    const std::int64_t fewest = options.layers == 3 ? spec::one_pod_nodes(topology) + 1 : 1;
    const std::int64_t most = std::min(spec::node_capacity(topology), endpoints / options.gpus);
    if (fewest > most) continue;
    topology.nodes.count = random.integer(0, 3) == 0 ? most : random.integer(fewest, most);
    return topology;
  }
}

}  // namespace planewise::test
