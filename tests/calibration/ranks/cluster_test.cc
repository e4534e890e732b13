// Groups, pairs and what the system tells of them, without any rank.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "calibration/comm/comm_plan.h"
#include "calibration/comm/discovery.h"
#include "calibration/comm/pairs.h"
#include "spec/temporary_folder.h"

namespace planewise::calibration {
namespace {

using Groups = std::vector<std::vector<int>>;

TEST(Cluster, HasItsGroups) {
  const Cluster cluster = planned_cluster(8, 4);
  EXPECT_EQ(groups_of(cluster, GroupKind::node, 4), (Groups{{0, 1, 2, 3}, {4, 5, 6, 7}}));
  EXPECT_EQ(groups_of(cluster, GroupKind::rail, 4), (Groups{{0, 4}, {1, 5}, {2, 6}, {3, 7}}));
  EXPECT_EQ(groups_of(cluster, GroupKind::pipeline, 2), (Groups{{0, 2}, {1, 3}, {4, 6}, {5, 7}}));
  EXPECT_EQ(groups_of(cluster, GroupKind::expert, 8).size(), 1U);
  EXPECT_TRUE(groups_of(planned_cluster(4, 4), GroupKind::rail, 4).empty());
  EXPECT_TRUE(groups_of(planned_cluster(4, 1), GroupKind::node, 4).empty());
  EXPECT_EQ(node_count(cluster, {0, 3}), 1);
  EXPECT_EQ(node_count(cluster, {0, 4}), 2);
}

TEST(Sweep, LeavesOutGroupsThatAreOthersAgain) {
  const SweepOptions options{.groups = {GroupKind::node, GroupKind::expert, GroupKind::world},
                             .most = bytes(1024),
                             .expert_ranks = 4};
  // One node: node, expert group and world are the same four ranks.
  EXPECT_EQ(sweep_tasks(planned_cluster(4, 4), options).size(), 1U);
  EXPECT_EQ(sweep_tasks(planned_cluster(8, 4), options).size(), 2U);
}

TEST(Sweep, AlignsSizesUnlessAsked) {
  SweepOptions options{.least = bytes(1000), .most = bytes(5000)};
  // 3 ranks of 256 B are 768 B: 1000 -> 768, 2000 -> 1536, 4000 -> 3840.
  const auto sizes = sweep_sizes(options, Operation::all_to_all, 3);
  EXPECT_EQ(sizes, (std::vector{bytes(768), bytes(1536), bytes(3840)}));
  options.is_unaligned = true;
  // Whole floats of each rank, 12 B: 996, 1992, 3996.
  EXPECT_EQ(sweep_sizes(options, Operation::all_to_all, 3),
            (std::vector{bytes(996), bytes(1992), bytes(3996)}));
  options.step = bytes(2000);
  EXPECT_EQ(sweep_sizes(options, Operation::broadcast, 3),
            (std::vector{bytes(1000), bytes(3000), bytes(5000)}));
}

TEST(Pairs, EveryTwoMeetOnce) {
  for (const int ranks : {2, 3, 7, 8, 16}) {
    std::set<std::pair<int, int>> met;
    for (const std::vector<int>& partner : pair_rounds(ranks)) {
      for (int rank = 0; rank < ranks; ++rank) {
        const int other = partner[static_cast<std::size_t>(rank)];
        if (other < 0) continue;
        EXPECT_EQ(partner[static_cast<std::size_t>(other)], rank);
        if (rank < other) {
          EXPECT_TRUE(met.insert({rank, other}).second);
        }
      }
    }
    EXPECT_EQ(static_cast<int>(met.size()), ranks * (ranks - 1) / 2) << ranks;
  }
}

TEST(Pairs, HaveAPathClass) {
  const Cluster cluster = planned_cluster(8, 4);
  EXPECT_EQ(path_class(cluster, nullptr, 0, 3), PathClass::nvlink);
  EXPECT_EQ(path_class(cluster, nullptr, 0, 4), PathClass::rail);
  EXPECT_EQ(path_class(cluster, nullptr, 0, 5), PathClass::cross_rail);
  spec::HostsSpec hosts{.planes = {0, 1, 0, 1},
                        .hosts = {{.name = "node 0", .leaf = 0}, {.name = "node 1", .leaf = 1}}};
  EXPECT_EQ(path_class(cluster, &hosts, 0, 4), PathClass::cross_leaf);
  EXPECT_EQ(path_class(cluster, &hosts, 0, 5), PathClass::cross_plane);
  EXPECT_EQ(path_class(cluster, &hosts, 0, 6), PathClass::cross_rail);
}

/// All pairs of two nodes at 40 GB/s and 10 us, those in a node at 150 GB/s.
std::vector<PairTime> even_pairs(const Cluster& cluster) {
  std::vector<PairTime> pairs;
  for (int a = 0; a < cluster.ranks(); ++a) {
    for (int b = a + 1; b < cluster.ranks(); ++b) {
      const PathClass path = path_class(cluster, nullptr, a, b);
      const bool is_node = path == PathClass::nvlink;
      pairs.push_back({.a = a,
                       .b = b,
                       .path = path,
                       .latency = microseconds(is_node ? 5 : 10),
                       .rate = gigabytes_per_second(is_node ? 150 : 40)});
    }
  }
  return pairs;
}

TEST(Pairs, BlameTheRankWithTheSlowNic) {
  const Cluster cluster = planned_cluster(16, 8);
  std::vector<PairTime> pairs = even_pairs(cluster);
  EXPECT_TRUE(judge_pairs(pairs, cluster).empty());
  for (PairTime& pair : pairs) {
    if ((pair.a == 3 || pair.b == 3) && pair.path != PathClass::nvlink) {
      pair.rate = gigabytes_per_second(12);
    }
  }
  const std::vector<PairFinding> findings = judge_pairs(pairs, cluster);
  ASSERT_EQ(findings.size(), 1U);  // not its partners, of whose pairs one is slow
  EXPECT_EQ(findings[0].rank, 3);
  EXPECT_NE(findings[0].text.find("7 of its 7 cross_rail pairs are slow, 12 GB/s where the median "
                                  "of all is 40 GB/s"),
            std::string::npos)
      << findings[0].text;
}

TEST(Pairs, NameAPairAndASharedNic) {
  Cluster cluster = planned_cluster(16, 8);
  std::vector<PairTime> pairs = even_pairs(cluster);
  for (PairTime& pair : pairs) {
    if (pair.a == 1 && pair.b == 12) pair.rate = gigabytes_per_second(20);
  }
  cluster.places[2].nic = cluster.places[5].nic = "mlx5_2";
  const std::vector<PairFinding> findings = judge_pairs(pairs, cluster);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_NE(findings[0].text.find("ranks 1 and 12 (cross_rail): 20 GB/s"), std::string::npos);
  EXPECT_NE(findings[1].text.find("ranks 2, 5 of node 0 have the same nearest NIC, mlx5_2"),
            std::string::npos);
}

/// A folder that looks like sysfs: a GPU and two NICs, one behind the same switch.
TEST(Discovery, FindsTheNearestNicAndItsRate) {
  const planewise::test::TemporaryFolder folder;
  const std::filesystem::path root = folder.path("");
  const auto make = [&](const std::string& path) {
    std::filesystem::create_directories(root / path);
    return root / path;
  };
  const auto nic = [&](const std::string& name, const std::string& device,
                       const std::string& rate) {
    const auto port = make("infiniband/" + name + "/ports/1");
    folder.write("infiniband/" + name + "/ports/1/state", "4: ACTIVE\n");
    folder.write("infiniband/" + name + "/ports/1/rate", rate + "\n");
    std::filesystem::create_directory_symlink(make(device), root / "infiniband" / name / "device");
  };
  make("pci");
  std::filesystem::create_directory_symlink(make("devices/root0/switch1/0000:1b:00.0"),
                                            root / "pci/0000:1b:00.0");
  nic("mlx5_0", "devices/root1/switch9/0000:5a:00.0", "400 Gb/sec (4X NDR)");
  nic("mlx5_3", "devices/root0/switch1/0000:1a:00.0", "200 Gb/sec (4X HDR)");
  const SystemFolders folders{.pci = (root / "pci").string(),
                              .infiniband = (root / "infiniband").string(),
                              .nvml = "libno-such-library.so"};
  const RankPlace place = find_place("0000:1b:00.0", folders);
  EXPECT_EQ(place.nic, "mlx5_3");
  EXPECT_EQ(place.nic_rate, gigabytes_per_second(25));
  EXPECT_EQ(place.nvlink_rate, Rate{});
  EXPECT_EQ(find_place("0000:ff:00.0", folders).nic, "");
  EXPECT_EQ(port_rate("400 Gb/sec (4X NDR)"), gigabytes_per_second(50));
  EXPECT_EQ(port_rate("nothing"), Rate{});
}

}  // namespace
}  // namespace planewise::calibration
