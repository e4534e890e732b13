// SimGrid loads the platform: it is a process's only one, so each in a process of its own.
#include <unistd.h>
#include <simgrid/s4u.hpp>

#include <fstream>
#include <numeric>

#include "exports/fabrics.h"
#include "exports/run.h"
#include "fabric/exports.h"
#include "spec/temporary_folder.h"

namespace planewise::fabric {
namespace {

namespace s4u = simgrid::s4u;

/// What SimGrid says of a platform.
struct Loaded {
  std::size_t hosts = 0;
  std::size_t routers = 0;
  double gigabits = 0;           ///< Of all links between switches, one way.
  std::size_t links_within = 0;  ///< On the route from GPU 0 to GPU 1 of node 0.
  double latency_within = 0;
  std::size_t links_across = 0;  ///< To the last GPU of the last node.
  double latency_across = 0;
};

/// Runs in the child: loads `file` and writes a Loaded to `result`.
void load(const std::string& file, const std::string& result) {
  std::string program = "exports_tests";
  std::string quiet = "--log=root.thres:critical";
  char* arguments[] = {program.data(), quiet.data(), nullptr};
  int argument_count = 2;
  s4u::Engine engine(&argument_count, arguments);
  engine.load_platform(file);
  engine.get_netzone_root()->seal();  // Else only a run would do it, and routes need it.
  Loaded loaded{.hosts = engine.get_host_count()};
  loaded.routers = engine.get_all_netpoints().size() - loaded.hosts;
  for (const s4u::Link* link : engine.get_all_links()) {
    const bool inner = link->get_name().find("-gpu") == std::string::npos;
    const bool upwards = link->get_name().ends_with("_UP");
    if (inner && upwards) loaded.gigabits += link->get_bandwidth() * 8 / 1e9;
  }
  const std::vector<s4u::Host*> hosts = engine.get_all_hosts();
  const auto route = [&](const std::string& to, std::size_t& length, double& latency) {
    std::vector<s4u::Link*> links;
    s4u::Host::by_name("node0-gpu0")->route_to(s4u::Host::by_name(to), links, &latency);
    length = links.size();
  };
  route("node0-gpu1", loaded.links_within, loaded.latency_within);
  std::string last = "node0-gpu1";
  for (std::size_t node = 0; s4u::Host::by_name_or_null("node" + std::to_string(node) + "-gpu1");
       ++node) {
    last = "node" + std::to_string(node) + "-gpu1";
  }
  route(last, loaded.links_across, loaded.latency_across);
  std::ofstream(result) << loaded.hosts << ' ' << loaded.routers << ' ' << loaded.gigabits << ' '
                        << loaded.links_within << ' ' << loaded.latency_within << ' '
                        << loaded.links_across << ' ' << loaded.latency_across << '\n';
}

Loaded load_in_child(const std::string& platform) {
  const test::TemporaryFolder folder;
  const std::string file = folder.write("platform.xml", platform);
  const std::string result = folder.path("result");
  const pid_t child = fork();
  if (child == 0) {
    load(file, result);
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  Loaded loaded;
  std::ifstream(result) >> loaded.hosts >> loaded.routers >> loaded.gigabits >>
      loaded.links_within >> loaded.latency_within >> loaded.links_across >> loaded.latency_across;
  return loaded;
}

TEST(SimGridPlatform, HasTheCountsAndRoutesOfEveryFamily) {
  for (const spec::TopologySpec& topology : test::one_of_each_family()) {
    SCOPED_TRACE(spec::family_word(topology.fabric.family));
    const Fabric fabric = lay_out(topology);
    const Counts counts = count(fabric);
    const Loaded loaded = load_in_child(to_simgrid(fabric));
    EXPECT_EQ(static_cast<std::int64_t>(loaded.hosts), fabric.gpu_count());
    // The switches, the NVLink of each node, and the zone itself.
    EXPECT_EQ(static_cast<std::int64_t>(loaded.routers),
              counts.switches() + topology.nodes.count + 1);
    const double uplink = topology.fabric.uplink_rate.in(gigabits_per_second(1));
    EXPECT_NEAR(loaded.gigabits, uplink * static_cast<double>(counts.inter_switch_links),
                1e-9 * loaded.gigabits);  // rounding of sums
    // NVLink to a neighbour: two links of half the 2 us.
    EXPECT_EQ(loaded.links_within, 2U);
    EXPECT_NEAR(loaded.latency_within, 2e-6, 1e-15);
    // n switches have n + 1 links and take n us; at most one stop at another GPU's NVLink.
    EXPECT_GE(loaded.links_across, 2U);
    EXPECT_GE(loaded.latency_across, 1e-6 - 1e-15);
  }
}

TEST(SimGridPlatform, TreesHaveTheRoutesThatTheyShould) {
  // Two layers, leaves of 8 ports down and nodes of 8 NICs: leaf, spine, leaf.
  const Loaded two = load_in_child(to_simgrid(lay_out(test::one_of_each_family()[0])));
  EXPECT_EQ(two.links_across, 4U);
  EXPECT_NEAR(two.latency_across, 3e-6, 1e-15);
  // Three layers, pods of 16 GPUs: leaf, spine, core, spine, leaf.
  const Loaded three = load_in_child(to_simgrid(lay_out(test::one_of_each_family()[1])));
  EXPECT_EQ(three.links_across, 6U);
  EXPECT_NEAR(three.latency_across, 5e-6, 1e-15);
}

}  // namespace
}  // namespace planewise::fabric
