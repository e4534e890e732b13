// What spec/resize.h accepts can be laid out, and what it names instead of a refused size as well.
#include "spec/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "fabric/fabric.h"
#include "fabric/random_shape.h"

namespace planewise::fabric {
namespace {

void expect_holds(const spec::TopologySpec& topology, std::int64_t endpoints) {
  const Fabric fabric = lay_out(topology);
  const Counts counts = count(fabric);
  ASSERT_EQ(counts.endpoints, endpoints);
  ASSERT_GE(counts.endpoint_capacity, endpoints);
  ASSERT_GE(counts.unused_switch_ports, 0);
  ASSERT_GE(spec::node_capacity(topology), topology.nodes.count);
}

/// The sizes that a hint names: `use 8 or 16 endpoints`.
std::vector<std::int64_t> sizes_in(const std::string& hint) {
  std::vector<std::int64_t> sizes;
  if (!hint.ends_with("endpoints") && !hint.ends_with("2 layers")) return sizes;
  const std::string text = hint.substr(0, hint.find("endpoints"));
  constexpr const char* kDigits = "0123456789";
  for (std::size_t at = 0; (at = text.find_first_of(kDigits, at)) != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_not_of(kDigits, at), text.size());
    sizes.push_back(std::stoll(text.substr(at, end - at)));
    at = end;
  }
  return sizes;
}

void check_size(const spec::TopologySpec& topology, std::int64_t endpoints) {
  spec::Diagnostics diagnostics;
  const spec::TopologySpec result = spec::resized(topology, endpoints, diagnostics);
  if (diagnostics.empty()) {
    ASSERT_NO_FATAL_FAILURE(expect_holds(result, endpoints));
    return;
  }
  for (const std::int64_t size : sizes_in(diagnostics.list().front().hint)) {
    SCOPED_TRACE("hint: " + std::to_string(size));
    spec::Diagnostics none;
    const spec::TopologySpec nearest = spec::resized(topology, size, none);
    ASSERT_TRUE(none.empty());
    ASSERT_NO_FATAL_FAILURE(expect_holds(nearest, size));
  }
}

TEST(ResizeLaw, WhatIsAcceptedOrNamedHoldsItsEndpoints) {
  const std::uint64_t seed = test::seed_or(21);
  Random random(seed);
  for (int round = 0; round < 1000; ++round) {
    const bool tree = round % 2 == 0;
    const spec::TopologySpec topology =
        tree ? test::random_topology(random, 2000) : test::random_shape(random);
    SCOPED_TRACE(tree ? test::describe(seed, topology) : test::describe_shape(seed, topology));
    for (int i = 0; i < 5; ++i) {
      const std::int64_t endpoints =
          random.integer(1, 5) == 1 ? random.integer(1, 100'000)
                                    : random.integer(1, 300) * spec::endpoints_per_node(topology);
      SCOPED_TRACE(std::to_string(endpoints) + " endpoints");
      ASSERT_NO_FATAL_FAILURE(check_size(topology, endpoints));
    }
  }
}

TEST(ResizeLaw, OneStepLessOfAFamilyThatGrowsDoesNotHold) {
  const std::uint64_t seed = test::seed_or(22);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    const spec::TopologySpec topology = test::random_shape(random);
    SCOPED_TRACE(test::describe_shape(seed, topology));
    spec::Diagnostics diagnostics;
    const spec::TopologySpec result =
        spec::resized(topology, spec::endpoint_count(topology), diagnostics);
    // Slim Fly at full bandwidth may need more ports than it has now.
    if (!diagnostics.empty()) {
      ASSERT_EQ(topology.fabric.family, spec::Family::slim_fly);
      continue;
    }
    spec::TopologySpec smaller = result;
    if (auto* dragonfly = std::get_if<spec::DragonflySpec>(&smaller.fabric.shape)) {
      dragonfly->groups -= 1;
    } else if (auto* plus = std::get_if<spec::DragonflyPlusSpec>(&smaller.fabric.shape)) {
      plus->groups -= 1;
    } else if (auto* hyperx = std::get_if<spec::HyperXSpec>(&smaller.fabric.shape)) {
      if (--hyperx->extents.back() == 1) continue;
    } else if (auto* torus = std::get_if<spec::TorusSpec>(&smaller.fabric.shape)) {
      if (--torus->extents.back() == 1) continue;
    } else {
      continue;
    }
    ASSERT_LT(spec::node_capacity(smaller), topology.nodes.count);
  }
}

}  // namespace
}  // namespace planewise::fabric
