// What the mistakes of topologies in bad/ say to write instead; the files themselves hold no hints.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "spec/read.h"

namespace planewise::spec {
namespace {

struct Hint {
  std::string_view file{};
  std::string_view words{};
};

/// Of the first mistake in the file.
std::string hint_in(std::string_view file) {
  Diagnostics diagnostics;
  check_file(std::string(PLANEWISE_ROOT "/tests/spec/bad/") + std::string(file) + ".yaml",
             diagnostics);
  return diagnostics.empty() ? "no mistake" : diagnostics.list().front().hint;
}

template <std::size_t N>
void expect_hints(const Hint (&hints)[N]) {
  for (const Hint& hint : hints) EXPECT_EQ(hint_in(hint.file), hint.words) << hint.file;
}

TEST(Hints, OfKeysThatAFamilyDoesNotHave) {
  expect_hints({{"key_of_another_family", "remove it"},
                {"as_printed_in_a_torus", "remove it"},
                {"planes_in_rail_only", "remove it"},
                {"uplink_rate_in_a_tree", "remove it"}});
}

TEST(Hints, OfTrees) {
  expect_hints(
      {{"unit_nodes_beyond_a_leaf", "write 32 or less"},
       {"radix_odd", "write 62 or 64"},
       {"planes_do_not_divide", "use 8 planes, one a NIC"},
       {"nodes_too_many_for_two_layers", "use 2048 nodes, or 3 layers, or a larger radix"}});
}

// 8 + 7 + 4 ports; 4 switches of 2 global links reach 8 other groups.
TEST(Hints, OfDragonflies) {
  expect_hints(
      {{"dragonfly_beyond_the_radix", "use a radix of at least 19, or fewer endpoints a switch"},
       {"dragonfly_too_many_groups", "write 9 groups or fewer"},
       {"dragonfly_too_few_ports_for_the_nodes", "use a larger fabric"},
       {"dragonfly_plus_too_many_groups", "write 5 groups or fewer"},
       {"dragonfly_plus_odd_radix", "write 6 or 8"},
       {"dragonfly_plus_too_few_ports_for_the_nodes", "write 1 or less, or use a larger fabric"}});
}

TEST(Hints, OfSlimFlies) {
  expect_hints(
      {{"slim_fly_no_prime_power",
        "write 27 or 29, or 'as_printed: true' for counts without a graph"},
       {"slim_fly_two_modulo_four", "write 5 or 7"},
       {"slim_fly_printed_two_modulo_four", "write 5 or 7"},
       {"slim_fly_beyond_the_radix", "use a radix of at least 67, or fewer endpoints a switch"}});
}

TEST(Hints, OfGrids) {
  expect_hints(
      {{"hyperx_beyond_the_radix", "use a radix of at least 68, or fewer endpoints a switch"},
       {"hyperx_dimensions_unlike", "write one a dimension, or remove it for 1 link each"},
       {"hyperx_without_dimensions", "write a number for each dimension: [8, 8]"},
       {"torus_beyond_the_radix", "use a radix of at least 10, or fewer endpoints a switch"},
       {"torus_too_many_switches", "use smaller numbers"}});
}

TEST(Hints, OfDualTor) {
  expect_hints(
      {{"dual_tor_uplinks_do_not_divide", "use a multiple of 2"},
       {"dual_tor_leaf_beyond_the_radix", "use fewer nodes a segment, or fewer leaf uplinks"},
       {"dual_tor_spine_beyond_the_radix", "use fewer segments a pod, or more spines"},
       {"dual_tor_uplink_rate_no_multiple",
        "an uplink takes whole ports: write 1, 2, 4 ... times link_rate"},
       {"dual_tor_without_a_core_for_pods",
        "write 8 or less, or use a larger fabric; with spine_uplinks there is more than one pod"}});
}

TEST(Hints, OfCustomGraphs) {
  expect_hints(
      {{"custom_unknown_switch", "name one that is listed under 'switches'"},
       {"custom_name_twice", "give each switch a name of its own"},
       {"custom_link_to_itself", "name another switch"},
       {"custom_endpoints_on_a_spine", "write 'layer: leaf', or remove it"},
       {"custom_ports_beyond_the_radix", "use fewer links or endpoints, or a larger radix"},
       {"custom_not_connected",
        "add the missing links; planes apart are a fabric of family 'mpft'"},
       {"custom_without_switches", "list at least one, with endpoints"},
       {"custom_too_few_ports_for_the_nodes", "write 8 or less, or use a larger fabric"}});
}

TEST(Hints, OfWhatStandsBesideTheFabric) {
  expect_hints(
      {{"nvlink_ports_too_few", "use chips of at least 36 ports, or more of them"},
       {"storage_of_odd_switches", "remove it, or use an even radix"},
       {"storage_too_large", "remove it, or use a larger radix or fewer storage NICs a node"},
       {"floor_too_wide", "write 1000 m or less"},
       {"rack_too_small_for_its_switches", "write 48 or less for floor.switches_per_rack"},
       {"parts_prices_as_printed", "use a price book of roles (--prices)"},
       {"prices_of_parts_without_equipment",
        "add 'equipment:' with a catalogue, the switches and the NIC"}});
}

}  // namespace
}  // namespace planewise::spec
