// Exports, read by the programs that they are for.
#include "fabric/exports.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "exports/fabrics.h"
#include "exports/run.h"
#include "fabric/names.h"
#include "fabric/ports.h"
#include "spec/temporary_folder.h"

namespace planewise::fabric {
namespace {

using test::make_topology;
using Ends = std::pair<std::string, std::string>;

TEST(GraphMl, GraphvizCountsTheVerticesAndEdges) {
  test::need("graphml2gv", "graphviz");
  const test::TemporaryFolder folder;
  for (const spec::TopologySpec& topology : test::one_of_each_family()) {
    SCOPED_TRACE(spec::family_word(topology.fabric.family));
    const Fabric fabric = lay_out(topology);
    const Counts counts = count(fabric);
    const std::string file = folder.write("fabric.graphml", to_graphml(fabric));
    // It has no use for attributes, and says so of each.
    const test::Ran ran = test::run("graphml2gv " + file + " 2>/dev/null | gc -n -e");
    std::istringstream numbers(ran.output);
    std::int64_t vertices = 0;
    std::int64_t edges = 0;
    ASSERT_TRUE(numbers >> vertices >> edges) << ran.output;
    EXPECT_EQ(vertices, counts.endpoints + counts.switches());
    EXPECT_EQ(edges, counts.endpoint_links + counts.inter_switch_links);
  }
}

/// `leaf3/17`: a port of a device.
std::string port_name(const std::string& device, std::int64_t port) {
  return device + "/" + std::to_string(port);
}

std::multiset<Ends> cables_of(const Fabric& fabric) {
  const std::int64_t ports = fabric.topology.fabric.family == spec::Family::dual_tor ? 2 : 1;
  std::multiset<Ends> cables;
  visit_cables(fabric, [&](std::span<const Cable> some) {
    for (const Cable& cable : some) {
      const Device nic{.kind = DeviceKind::nic, .index = cable.lower / ports};
      const std::string lower = cable.kind == EdgeKind::endpoint
                                    ? device_name(fabric, nic)
                                    : switch_name(fabric, cable.plane, cable.lower);
      const Ends ends{port_name(lower, cable.lower_port),
                      port_name(switch_name(fabric, cable.plane, cable.upper), cable.upper_port)};
      cables.insert(std::minmax(ends.first, ends.second));
    }
  });
  return cables;
}

struct Discovered {
  std::int64_t switches = 0;
  std::set<std::string> nics{};
  std::multiset<Ends> cables{};
};

/// Reads what ibnetdiscover prints: `Switch 64 "S-2" # "leaf0" ...`, `[1] "H-5"[1](6) #
/// "node0-nic0"
/// ...` and for NICs `[1](6) "S-2"[1] # ...`. Each cable is printed at both of its ends.
Discovered read_discovery(const std::string& text) {
  const std::regex device("^(Switch|Ca)\t\\d+ \"[^\"]*\"\\s+# \"([^\"]*)\".*");
  const std::regex link(
      "^\\[(\\d+)\\](?:\\(\\w+\\))?\\s+\"[^\"]*\"\\[(\\d+)\\][^#]*# [^\"]*\"([^\"]*)\".*");
  Discovered found;
  std::string name;
  std::istringstream lines(text);
  std::smatch match;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, match, device)) {
      name = match[2];
      if (match[1] == "Switch") {
        ++found.switches;
      } else {
        found.nics.insert(name);
      }
    } else if (std::regex_match(line, match, link)) {
      const std::string here = name + "/" + match[1].str();
      const std::string there = match[3].str() + "/" + match[2].str();
      if (here < there) found.cables.insert({here, there});
    }
  }
  return found;
}

/// Runs ibsim as the file's head says, with sockets of its own, and ibnetdiscover from `host`.
test::Ran discover(const test::TemporaryFolder& folder, const std::string& net,
                   const std::string& host) {
  const std::string file = folder.write("fabric.net", net);
  const std::size_t first = net.find("# ibsim ") + 2;
  const std::string simulator = net.substr(first, net.find(" FILE", first) - first);
  const std::string found = folder.path("found");
  // Sockets are named for the whole machine, and outlive a simulator by a little.
  const std::string socket =
      std::filesystem::path(file).parent_path().filename().string() + "-" + host;
  return test::run("export IBSIM_SOCKNAME=" + socket + "; export SIM_HOST=" + host + "; " +
                   simulator + " -n " + file +
                   " >/dev/null 2>&1 </dev/null & simulator=$!; tries=0; while [ $tries -lt 60 ]; "
                   "do sleep 0.05; tries=$((tries + 1)); LD_PRELOAD=" PLANEWISE_UMAD2SIM
                   " ibnetdiscover >" +
                   found + " 2>/dev/null && grep -q ^Switch " + found +
                   " && break; done; kill $simulator; wait $simulator; cat " + found);
}

TEST(IbSim, DiscoveryFindsEverySwitchAndCable) {
  test::need("ibsim", "ibsim-utils");
  test::need("ibnetdiscover", "infiniband-diags");
  ASSERT_EQ(std::string(PLANEWISE_UMAD2SIM).find("NOTFOUND"), std::string::npos)
      << "no library umad2sim when CMake ran; install the package libumad2sim0 "
         "(tools/setup.sh test)";
  for (const spec::TopologySpec& topology : test::one_of_each_family()) {
    SCOPED_TRACE(spec::family_word(topology.fabric.family));
    const Fabric fabric = lay_out(topology);
    const Export made = to_ibsim(fabric);
    ASSERT_TRUE(std::holds_alternative<std::string>(made));
    const test::TemporaryFolder folder;
    // Planes are networks of their own: each is discovered from one of its leaves.
    Discovered all;
    for (std::int64_t plane = 0; plane < topology.fabric.planes; ++plane) {
      const std::string host = switch_name(fabric, plane, 0);
      const test::Ran ran = discover(folder, std::get<std::string>(made), host);
      const Discovered found = read_discovery(ran.output);
      EXPECT_GT(found.switches, 0) << ran.output.substr(0, 1000);
      all.switches += found.switches;
      // NICs with two ports are found from both planes.
      all.nics.insert(found.nics.begin(), found.nics.end());
      all.cables.insert(found.cables.begin(), found.cables.end());
    }
    EXPECT_EQ(all.switches, count(fabric).switches());
    EXPECT_EQ(std::ssize(all.nics), topology.nodes.count * topology.nodes.nics);
    EXPECT_EQ(all.cables, cables_of(fabric));
  }
}

TEST(IbSim, RefusesMorePortsThanInfiniBandHas) {
  const Export made = to_ibsim(lay_out(make_topology({.radix = 256, .nodes = 4})));
  ASSERT_TRUE(std::holds_alternative<Refusal>(made));
  EXPECT_EQ(std::get<Refusal>(made).key, "fabric.radix");
}

TEST(IbSim, RefusesNamesThatItWouldCut) {
  spec::CustomSpec custom = test::small_custom();
  custom.switches[0].name = std::string(64, 'x');
  const Export made = to_ibsim(lay_out(test::make_shape(spec::Family::custom, custom, 64, 8)));
  ASSERT_TRUE(std::holds_alternative<Refusal>(made));
  EXPECT_EQ(std::get<Refusal>(made).key, "fabric.switches");
}

/// What csg-htsim builds from a .topo file (FatTreeTopology::load and set_custom_params of its
/// sim/datacenter/fat_tree_topology.cpp), worked out from the file alone.
struct Htsim {
  std::map<std::string, std::int64_t> head{};
  std::map<std::int64_t, std::map<std::string, std::int64_t>> tiers{};

  std::int64_t of(std::int64_t tier, const std::string& key, std::int64_t usual = 0) const {
    const auto found = tiers.at(tier).find(key);
    return found == tiers.at(tier).end() ? usual : found->second;
  }
  std::int64_t pods() const { return head.at("nodes") / head.at("podsize"); }
  std::int64_t leaves() const { return head.at("nodes") / of(0, "radix_down"); }
  std::int64_t uplinks() const { return head.at("nodes") / of(0, "oversubscribed", 1); }
  std::int64_t spines() const { return uplinks() / of(1, "radix_down"); }
  std::int64_t core_links() const { return uplinks() / of(1, "oversubscribed", 1); }
  std::int64_t cores() const { return core_links() / of(2, "radix_down"); }
};

/// Fails where htsim would stop with an error.
Htsim read_htsim(const std::string& text) {
  Htsim read;
  std::int64_t tier = -1;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::string key;
    std::int64_t value = -1;
    EXPECT_TRUE(words >> key >> value) << line;
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (key == "tier") {
      tier = value;
      EXPECT_TRUE(read.tiers.try_emplace(tier).second);
    } else {
      EXPECT_TRUE((tier < 0 ? read.head : read.tiers[tier]).emplace(key, value).second) << key;
    }
  }
  return read;
}

void expect_htsim_builds_it(const Htsim& file) {
  const std::int64_t tiers = file.head.at("tiers");
  ASSERT_TRUE(tiers == 2 || tiers == 3);
  ASSERT_EQ(std::ssize(file.tiers), tiers);
  ASSERT_EQ(file.of(0, "bundle", 1), 1);
  for (std::int64_t tier = 0; tier < tiers; ++tier) {
    ASSERT_GT(file.of(tier, "downlink_speed_gbps"), 0);
    ASSERT_GT(file.of(tier, "downlink_latency_ns"), 0);
    ASSERT_GT(file.of(tier, "radix_down"), 0);
    ASSERT_EQ(file.of(tier, "radix_down") % file.of(tier, "bundle", 1), 0);
    if (tier + 1 == tiers) continue;
    ASSERT_GT(file.of(tier, "radix_up"), 0);
    ASSERT_EQ(file.of(tier, "radix_up") % file.of(tier + 1, "bundle", 1), 0);
  }
  ASSERT_EQ(file.head.at("nodes") % file.head.at("podsize"), 0);
  ASSERT_EQ(file.head.at("podsize") % file.of(0, "radix_down"), 0);
  ASSERT_EQ(file.head.at("nodes") % file.of(0, "oversubscribed", 1), 0);
  ASSERT_EQ(file.of(0, "radix_down") / file.of(0, "radix_up"), file.of(0, "oversubscribed", 1));
  ASSERT_EQ(file.uplinks() % (file.pods() * file.of(1, "radix_down")), 0);
  ASSERT_EQ(file.spines() / file.pods() * file.of(1, "bundle", 1), file.of(0, "radix_up"));
  if (tiers == 2) return;
  ASSERT_EQ(file.uplinks() % file.of(1, "oversubscribed", 1), 0);
  ASSERT_EQ(file.core_links() % file.of(2, "radix_down"), 0);
  const std::int64_t spines_per_pod = file.spines() / file.pods();
  ASSERT_EQ(file.cores() % spines_per_pod, 0);
  ASSERT_EQ(file.cores() * file.of(2, "bundle", 1) / spines_per_pod, file.of(1, "radix_up"));
}

TEST(HtsimLaw, HtsimBuildsTheSameTreeOrTheExportIsRefused) {
  const std::uint64_t seed = test::seed_or(61);
  Random random(seed);
  int written = 0;
  int of_three_tiers = 0;
  for (int round = 0; round < 3000; ++round) {
    const spec::TopologySpec topology = test::random_topology(random, 2000);
    SCOPED_TRACE(test::describe(seed, topology));
    const Fabric fabric = lay_out(topology);
    const Export made = to_htsim(fabric);
    if (std::holds_alternative<Refusal>(made)) continue;
    const Htsim file = read_htsim(std::get<std::string>(made));
    ASSERT_NO_FATAL_FAILURE(expect_htsim_builds_it(file));
    ++written;
    const bool three = file.head.at("tiers") == 3;
    of_three_tiers += three ? 1 : 0;
    ASSERT_EQ(file.head.at("nodes"), fabric.plane.endpoints);
    ASSERT_EQ(file.leaves(), fabric.plane.leaves);
    ASSERT_EQ(file.spines(), fabric.plane.spines());
    ASSERT_EQ(file.uplinks(), fabric.plane.leaf_links);
    ASSERT_EQ(three ? file.cores() : 0, fabric.plane.cores);
    ASSERT_EQ(three ? file.core_links() : 0, fabric.plane.spine_links);
    // One switch and two endpoint links; a switch and a link more a hop: 1 us each.
    ASSERT_EQ(2 * file.of(0, "downlink_latency_ns") + file.of(0, "switch_latency_ns"), 1000);
    ASSERT_EQ(file.of(1, "downlink_latency_ns") + file.of(1, "switch_latency_ns"), 1000);
  }
  EXPECT_GT(written, 100);
  EXPECT_GT(of_three_tiers, 10);
}

TEST(Htsim, RefusesOtherFamilies) {
  for (const spec::TopologySpec& topology : test::one_of_each_family()) {
    if (std::holds_alternative<spec::TreeSpec>(topology.fabric.shape)) continue;
    const Export made = to_htsim(lay_out(topology));
    ASSERT_TRUE(std::holds_alternative<Refusal>(made));
    EXPECT_EQ(std::get<Refusal>(made).key, "fabric.family");
  }
}

}  // namespace
}  // namespace planewise::fabric
