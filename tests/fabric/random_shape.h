// Random fabrics of the families that are no trees, for law tests.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "fabric/random_topology.h"

namespace planewise::test {

/// Nodes of `gpus` GPUs on a fabric of `shape`; links of 400 Gb/s, ports as many as the shape
/// needs.
inline spec::TopologySpec make_shape(spec::Family family, spec::Shape shape, int radix, int gpus) {
  spec::TopologySpec topology = make_topology({.radix = radix, .gpus = gpus});
  topology.fabric.family = family;
  topology.fabric.shape = std::move(shape);
  topology.fabric.routing = spec::Routing::ecmp;
  if (family == spec::Family::dual_tor) topology.fabric.planes = 2;
  return topology;
}

inline std::string describe_shape(std::uint64_t seed, const spec::TopologySpec& topology) {
  return "PLANEWISE_SEED=" + std::to_string(seed) + ": " +
         std::string(spec::family_word(topology.fabric.family)) + ", radix " +
         std::to_string(topology.fabric.radix) + ", nodes " + std::to_string(topology.nodes.count) +
         " x " + std::to_string(topology.nodes.nics);
}

/// A connected list of switches: a random tree and some links more, ports to spare.
inline spec::CustomSpec random_custom(Random& random) {
  spec::CustomSpec custom;
  const std::int64_t leaves = random.integer(1, 8);
  const std::int64_t all = leaves + random.integer(0, 5);
  for (std::int64_t i = 0; i < all; ++i) {
    custom.switches.push_back({.name = "s" + std::to_string(i),
                               .layer = i < leaves ? spec::Layer::leaf : spec::Layer::spine,
                               .radix = 64,
                               .endpoints = i < leaves ? random.integer(1, 8) : 0});
  }
  for (std::int64_t i = 1; i < all; ++i) {
    custom.links.push_back(
        {.from = random.integer(0, i - 1), .to = i, .links = random.integer(1, 3)});
  }
  for (std::int64_t more = random.integer(0, 4); all > 1 && more > 0; --more) {
    const std::int64_t to = random.integer(1, all - 1);
    custom.links.push_back({.from = random.integer(0, to - 1), .to = to, .links = 1});
  }
  return custom;
}

inline spec::DualTorSpec random_dual_tor(Random& random) {
  spec::DualTorSpec dual{.segment_nodes = random.integer(1, 6),
                         .segments_per_pod = random.integer(1, 4),
                         .spines_per_pod = random.integer(1, 4),
                         .spine_uplinks = random.integer(1, 3)};
  dual.leaf_uplinks = dual.spines_per_pod * random.integer(1, 2);
  return dual;
}

inline std::vector<std::int64_t> random_numbers(Random& random, std::int64_t count,
                                                std::int64_t least, std::int64_t most) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  for (std::int64_t& number : numbers) number = random.integer(least, most);
  return numbers;
}

inline spec::TopologySpec random_any_shape(Random& random) {
  constexpr std::array<std::int64_t, 9> kFields = {3, 4, 5, 7, 8, 9, 11, 13, 16};
  const int gpus = static_cast<int>(random.integer(1, 4));
  switch (random.integer(0, 6)) {
    case 0: {
      spec::DragonflySpec d{.endpoints_per_switch = random.integer(1, 3),
                            .switches_per_group = random.integer(1, 5),
                            .global_links_per_switch = random.integer(1, 3)};
      d.groups = random.integer(1, d.switches_per_group * d.global_links_per_switch + 1);
      const std::int64_t radix =
          d.endpoints_per_switch + d.switches_per_group - 1 + d.global_links_per_switch;
      return make_shape(spec::Family::dragonfly, d, static_cast<int>(radix), gpus);
    }
    case 1: {
      const int half = static_cast<int>(random.integer(1, 3));
      const spec::DragonflyPlusSpec d{.groups = random.integer(1, half * half + 1)};
      return make_shape(spec::Family::dragonfly_plus, d, 2 * half, gpus);
    }
    case 2: {
      const spec::SlimFlySpec s{.q = kFields[static_cast<std::size_t>(random.integer(0, 8))],
                                .endpoints_per_switch = random.integer(1, 3)};
      const std::int64_t radix = spec::slim_fly_degree(s.q) + s.endpoints_per_switch;
      return make_shape(spec::Family::slim_fly, s, static_cast<int>(radix), gpus);
    }
    case 3: {
      const std::int64_t dimensions = random.integer(1, 3);
      const spec::HyperXSpec h{.extents = random_numbers(random, dimensions, 2, 5),
                               .parallel_links = random_numbers(random, dimensions, 1, 3),
                               .endpoints_per_switch = random.integer(1, 3)};
      return make_shape(spec::Family::hyperx, h, 64, gpus);
    }
    case 4: {
      const spec::TorusSpec t{.extents = random_numbers(random, random.integer(1, 4), 2, 5),
                              .endpoints_per_switch = random.integer(1, 3)};
      const auto radix = static_cast<std::int64_t>(2 * t.extents.size()) + t.endpoints_per_switch;
      return make_shape(spec::Family::torus, t, static_cast<int>(radix), gpus);
    }
    case 5: {
      spec::TopologySpec topology =
          make_shape(spec::Family::dual_tor, random_dual_tor(random), 128, gpus);
      if (random.integer(0, 1) == 0) topology.fabric.uplink_rate = gigabits_per_second(800);
      return topology;
    }
    default:
      return make_shape(spec::Family::custom, random_custom(random), 64, gpus);
  }
}

/// Returns a topology that spec/ would accept, of any family but the trees; one in four is full.
inline spec::TopologySpec random_shape(Random& random) {
  for (;;) {
    spec::TopologySpec topology = random_any_shape(random);
    const std::int64_t most = std::min<std::int64_t>(spec::node_capacity(topology), 200);
    if (most < 1) continue;
    topology.nodes.count = random.integer(0, 3) == 0 ? most : random.integer(1, most);
    return topology;
  }
}

}  // namespace planewise::test
