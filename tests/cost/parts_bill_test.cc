// Bills by parts: worked out by hand for small fabrics, and against the cable plan for random ones.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "cost/cable_plan.h"
#include "cost/cost.h"
#include "cost/made_parts.h"
#include "fabric/random_shape.h"

namespace planewise::cost {
namespace {

using fabric::EdgeKind;

/// One leaf, 4 nodes of 8 NICs, all in one rack's reach.
spec::TopologySpec one_leaf() {
  spec::TopologySpec topology = test::with_parts(test::make_topology({.nodes = 4}));
  topology.floor.nodes_per_rack = 4;
  return topology;
}

struct Priced {
  spec::CatalogueSpec catalogue = test::made_catalogue();
  PriceList prices = test::made_prices();

  std::variant<Bill, std::vector<NoParts>> price(const spec::TopologySpec& topology) const {
    return price_parts(fabric::lay_out(topology), {.catalogue = catalogue, .prices = prices});
  }
  Bill bill(const spec::TopologySpec& topology) const {
    auto result = price(topology);
    EXPECT_TRUE(std::holds_alternative<Bill>(result));
    return std::get<Bill>(result);
  }
};

/// Quantities by part and length in metres.
std::map<std::pair<std::string, double>, std::int64_t> quantities(const Bill& bill) {
  std::map<std::pair<std::string, double>, std::int64_t> out;
  for (const BillLine& line : bill.lines) {
    out[{line.item, line.length.in(metres(1))}] += line.quantity;
  }
  return out;
}

TEST(PartsBill, OfOneLeafByHand) {
  // The leaf's rack is beside the nodes': 0.6 + 2 x (1 + 1) = 4.6 m, sold as 5 m, beyond copper.
  // 32 NICs, 32 single modules, 16 twin modules (two links each), 32 fibres of 40 + 5 x 3 USD.
  const Bill bill = Priced{}.bill(one_leaf());
  EXPECT_EQ(quantities(bill),
            (std::map<std::pair<std::string, double>, std::int64_t>{{{"switch", 0}, 1},
                                                                    {{"nic", 0}, 32},
                                                                    {{"sr4", 0}, 32},
                                                                    {{"2xsr4", 0}, 16},
                                                                    {{"mm", 5}, 32},
                                                                    {{"rack", 0}, 1}}));
  // 30,000 + 32 x 1,500 + 32 x 400 + 16 x 700 + 32 x 55 + 3,000.
  EXPECT_EQ(bill.total, usd(30000 + 48000 + 12800 + 11200 + 1760 + 3000));
  EXPECT_EQ(bill.per_endpoint, bill.total / 32);
  // 700 + 32 x 20 + 32 x 8 + 16 x 16; twice of each at most.
  EXPECT_EQ(bill.power_typical, watts(700 + 640 + 256 + 256));
  EXPECT_EQ(bill.power_maximum, watts(2 * (700 + 640 + 256 + 256)));
  EXPECT_EQ(bill.cables, 32);
  EXPECT_EQ(bill.cages_unused, 16);
  EXPECT_EQ(bill.cages_short, 0);
  EXPECT_TRUE(bill.by_parts);
  EXPECT_EQ(bill.estimated_share, 1);
}

TEST(PartsBill, CopperWhereItReaches) {
  // Without trays and with narrow racks: 0.1 + 2 x 0.5 = 1.1 m, sold as 2 m.
  spec::TopologySpec topology = one_leaf();
  topology.floor.rack_width = metres(0.1);
  topology.floor.tray_height = metres(0);
  topology.floor.within_rack = metres(0.5);
  // A splitter carries two of the 32 links: 100 USD a link against 400 + 350 + 46.
  const auto by_part = quantities(Priced{}.bill(topology));
  EXPECT_EQ(by_part.at({"splitter", 2}), 16);
  EXPECT_FALSE(by_part.contains({"sr4", 0}));
}

TEST(PartsBill, ACageWithOneLinkStillTakesAModule) {
  spec::TopologySpec topology = one_leaf();
  topology.nodes.gpus = topology.nodes.nics = 5;
  topology.nodes.count = 1;
  const auto by_part = quantities(Priced{}.bill(topology));
  EXPECT_EQ(by_part.at({"sr4", 0}), 5);
  EXPECT_EQ(by_part.at({"2xsr4", 0}), 3);
}

TEST(PartsBill, AnOddLegStillTakesASplitter) {
  spec::TopologySpec topology = one_leaf();
  topology.nodes.gpus = topology.nodes.nics = 5;
  topology.nodes.count = 1;
  topology.floor.rack_width = metres(0.1);
  topology.floor.tray_height = metres(0);
  topology.floor.within_rack = metres(0.5);
  EXPECT_EQ(quantities(Priced{}.bill(topology)).at({"splitter", 2}), 3);
}

TEST(PartsBill, TwinCablesNeedParallelLinksInPairs) {
  const Priced priced;
  const fabric::Fabric fabric = fabric::lay_out(one_leaf());
  const LinkResolver resolver(fabric, priced.catalogue, priced.prices);
  const LinkParts* even = resolver.find(EdgeKind::leaf, metres(1.5), true);
  ASSERT_NE(even, nullptr);
  ASSERT_NE(even->cable, nullptr);
  EXPECT_EQ(even->cable->id, "twin");
  EXPECT_EQ(even->length, metres(2));
  const LinkParts* odd = resolver.find(EdgeKind::leaf, metres(1.5), false);
  ASSERT_NE(odd, nullptr);
  EXPECT_EQ(odd->cable, nullptr);
  EXPECT_EQ(odd->lower_module->id, "2xsr4");
  EXPECT_EQ(odd->fibre->id, "mm");
}

TEST(PartsBill, ReachDecidesBetweenMedia) {
  const Priced priced;
  const fabric::Fabric fabric = fabric::lay_out(one_leaf());
  const LinkResolver resolver(fabric, priced.catalogue, priced.prices);
  EXPECT_EQ(resolver.find(EdgeKind::endpoint, metres(50), false)->fibre->id, "mm");
  const LinkParts* far = resolver.find(EdgeKind::endpoint, metres(50.01), false);
  EXPECT_EQ(far->fibre->id, "sm");
  EXPECT_EQ(far->lower_module->id, "dr4");
  EXPECT_EQ(far->upper_module->id, "2xdr4");
  EXPECT_EQ(far->length, metres(100));
  EXPECT_EQ(resolver.find(EdgeKind::endpoint, metres(501), false), nullptr);
}

TEST(PartsBill, OnlyAllowedPartsAreUsed) {
  spec::TopologySpec topology = one_leaf();
  topology.equipment->links = {"dr4", "2xdr4"};
  EXPECT_TRUE(quantities(Priced{}.bill(topology)).contains({"sm", 5}));
  topology.equipment->links = {"twin"};
  const auto refused = Priced{}.price(topology);
  const auto* missing = std::get_if<std::vector<NoParts>>(&refused);
  ASSERT_NE(missing, nullptr);
  ASSERT_EQ(missing->size(), 1U);
  EXPECT_EQ(missing->front().kind, EdgeKind::endpoint);
  EXPECT_EQ(missing->front().length, metres(5));
}

TEST(PartsBill, BuiltInOpticsTakeNoModule) {
  spec::TopologySpec topology = one_leaf();
  topology.equipment->leaf = "open";
  // Built-in optics are for single mode; the NIC's end still takes a module.
  const auto by_part = quantities(Priced{}.bill(topology));
  EXPECT_EQ(by_part.at({"dr4", 0}), 32);
  EXPECT_EQ(by_part.at({"sm", 5}), 32);
  EXPECT_FALSE(by_part.contains({"2xdr4", 0}));
}

TEST(PartsBill, StorageAndManagementAreNetworksOfTheirOwn) {
  spec::TopologySpec topology = one_leaf();
  topology.nodes.count = 64;
  topology.storage = spec::StorageSpec{.nics = 1};
  topology.management =
      spec::ManagementSpec{.ports_per_node = 2, .radix = 48, .switch_part = "access"};
  const Bill bill = Priced{}.bill(topology);
  std::map<std::string, std::int64_t> by_use;
  for (const BillLine& line : bill.lines) by_use[line.use] += line.quantity;
  // 512 endpoints: 16 leaves, 8 spines. 64 storage NICs: 2 leaves of 32 down and up, 1 spine.
  EXPECT_EQ(by_use.at("leaf switches"), 16);
  EXPECT_EQ(by_use.at("spine switches"), 8);
  EXPECT_EQ(by_use.at("storage: leaf switches"), 2);
  EXPECT_EQ(by_use.at("storage: spine switches"), 1);
  EXPECT_EQ(by_use.at("storage: NICs"), 64);
  // 64 x 2 ports and 27 switches are 155 ports: 4 switches of 47 and an uplink, 1 to join them.
  EXPECT_EQ(by_use.at("management switches"), 5);
  // An endpoint is one of the fabric: 512.
  EXPECT_EQ(bill.per_endpoint, bill.total / 512);
}

/// The plan's cables by part and length, and the modules that its cages hold at least.
std::map<std::pair<std::string, double>, std::int64_t> planned(const CablePlan& plan) {
  std::map<std::pair<std::string, double>, std::int64_t> out;
  std::set<std::int32_t> seen;
  for (const PlannedLink& link : plan.links) {
    const bool is_new = seen.insert(link.cable).second;
    if (!is_new) continue;
    const std::string& part =
        link.parts->cable != nullptr ? link.parts->cable->id : link.parts->fibre->id;
    ++out[{part, link.length.in(metres(1))}];
  }
  return out;
}

spec::TopologySpec random_with_parts(Random& random) {
  const bool is_tree = random.integer(0, 1) == 0;
  spec::TopologySpec topology =
      test::with_parts(is_tree ? test::random_topology(random, 300) : test::random_shape(random));
  if (topology.fabric.uplink_rate > topology.fabric.link_rate) {
    topology.fabric.uplink_rate = topology.fabric.link_rate;
  }
  topology.floor.nodes_per_rack = static_cast<int>(random.integer(1, 4));
  topology.floor.switches_per_rack = static_cast<int>(random.integer(1, 8));
  topology.floor.tray_height = metres(static_cast<double>(random.integer(0, 1)));
  topology.floor.within_rack = metres(0.5);
  topology.floor.rack_width = metres(random.integer(0, 1) == 0 ? 0.1 : 0.6);
  return topology;
}

TEST(CablePlanLaw, HasTheCablesOfTheBill) {
  const std::uint64_t seed = test::seed_or(62);
  Random random(seed);
  const Priced priced;
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed) + ", round " + std::to_string(round));
    const fabric::Fabric fabric = fabric::lay_out(random_with_parts(random));
    const auto result =
        price_parts(fabric, {.catalogue = priced.catalogue, .prices = priced.prices});
    const Bill& bill = std::get<Bill>(result);
    const LinkResolver resolver(fabric, priced.catalogue, priced.prices);
    const CablePlan plan = plan_cables(fabric, &resolver);
    const fabric::Counts counts = count(fabric);
    ASSERT_EQ(static_cast<std::int64_t>(plan.links.size()),
              counts.endpoint_links + counts.inter_switch_links);
    auto bought = quantities(bill);
    for (const char* part : {"switch", "nic", "rack", "sr4", "2xsr4", "dr4", "2xdr4"}) {
      bought.erase({part, 0});
    }
    ASSERT_EQ(planned(plan), bought);
    std::int64_t cables = 0;
    for (const auto& [key, number] : bought) cables += number;
    ASSERT_EQ(bill.cables, cables);
  }
}

TEST(CablePlanLaw, EveryPortHasOneLinkAndCagesOneType) {
  const std::uint64_t seed = test::seed_or(63);
  Random random(seed);
  const Priced priced;
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed) + ", round " + std::to_string(round));
    const bool with_parts = random.integer(0, 3) != 0;
    const fabric::Fabric fabric = fabric::lay_out(random_with_parts(random));
    const LinkResolver resolver(fabric, priced.catalogue, priced.prices);
    const CablePlan plan = plan_cables(fabric, with_parts ? &resolver : nullptr);
    std::set<std::pair<std::int32_t, std::int32_t>> ports;
    std::set<std::pair<std::int32_t, std::int32_t>> nic_ports;
    std::map<std::pair<std::int32_t, std::int32_t>, std::set<const void*>> cages;
    std::map<std::int32_t, std::int32_t> highest;
    const auto put = [&](const CableEnd& end, const void* part) {
      ASSERT_GE(end.port, 1);
      ASSERT_LE(end.port, fabric::switch_radix(fabric, end.device % fabric.plane.switches()));
      ASSERT_TRUE(ports.insert({end.device, end.port}).second);
      cages[{end.device, (end.port - 1) / 2}].insert(part);
      highest[end.device] = std::max(highest[end.device], end.port);
    };
    for (const PlannedLink& link : plan.links) {
      const bool optical = with_parts && link.parts->cable == nullptr;
      const void* cable = with_parts ? link.parts->cable : nullptr;
      put(link.upper, optical ? link.parts->upper_module : cable);
      if (link.lower.is_nic) {
        ASSERT_TRUE(nic_ports.insert({link.lower.device, link.lower.port}).second);
      } else {
        put(link.lower, optical ? link.parts->lower_module : cable);
      }
    }
    if (!with_parts) continue;
    // Where a switch has ports to spare, no cage holds two types.
    for (const auto& [cage, types] : cages) {
      const int radix = fabric::switch_radix(fabric, cage.first % fabric.plane.switches());
      if (highest[cage.first] + 1 >= radix) continue;
      ASSERT_EQ(types.size(), 1U) << cage.first;
    }
  }
}

}  // namespace
}  // namespace planewise::cost
