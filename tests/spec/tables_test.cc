// Placements and expert counts: what they say arrives, and every mistake has its place.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "spec/expert_counts.h"
#include "spec/mistakes.h"
#include "spec/placement_file.h"
#include "spec/temporary_folder.h"

namespace planewise::spec {
namespace {

using Texts = std::vector<std::string>;

class Tables : public testing::Test {
 protected:
  Texts placement_mistakes(std::string_view text, std::int64_t ranks) {
    Diagnostics diagnostics;
    const std::string path = folder_.write("p.csv", text);
    read_placement(path, ranks, diagnostics);
    return test::mistakes(diagnostics, path);
  }
  Texts counts_mistakes(std::string_view text) {
    Diagnostics diagnostics;
    const std::string path = folder_.write("c.csv", text);
    read_expert_counts(path, diagnostics);
    return test::mistakes(diagnostics, path);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Tables, APlacementMayComeInAnyOrder) {
  Diagnostics diagnostics;
  const PlacementFile file = read_placement(
      folder_.write("p.csv", "# two nodes\nrank,gpu\n1, 8\n\n0,0\n"), 2, diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_EQ(file.gpu_of_rank, (std::vector<std::int64_t>{0, 8}));
  EXPECT_EQ(file.origin.sha256.size(), 64U);
}

TEST_F(Tables, APlacementHasEveryRankOnceAndNoGpuTwice) {
  EXPECT_EQ(placement_mistakes("rank;gpu\n0;0\n", 1),
            (Texts{"1:1: 'rank;gpu' is not the header of a placement"}));
  EXPECT_EQ(placement_mistakes("rank,gpu\n", 1), (Texts{"1:1: a placement without a row"}));
  EXPECT_EQ(placement_mistakes("rank,gpu\n0,0\n", 2), (Texts{"1:1: no GPU for rank 1"}));
  EXPECT_EQ(placement_mistakes("rank,gpu\n0,0\n1,0\n2,1\n0,4\n1\n", 2),
            (Texts{"3:3: GPU 0 already runs rank 0", "4:1: rank 2 of a job of 2 ranks",
                   "5:1: rank 0 is already placed", "6:1: 1 columns instead of 2"}));
  EXPECT_EQ(placement_mistakes("rank,gpu\n0,1.5\n1,-2\n", 2),
            (Texts{"2:3: '1.5' is not a whole number", "3:3: '-2' is not a whole number"}));
}

TEST_F(Tables, CountsAreByLayerAndExpert) {
  Diagnostics diagnostics;
  const ExpertCounts counts = read_expert_counts(
      folder_.write("c.csv", "layer,expert,tokens\n0,1,2.5\n0,0,7\n1,0,0\n1,1,3\n"), diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_EQ(counts.tokens, (std::vector<std::vector<double>>{{7, 2.5}, {0, 3}}));
}

TEST_F(Tables, CountsHaveEveryExpertOfEveryLayer) {
  EXPECT_EQ(counts_mistakes("layer,expert,tokens\n0,0,1\n0,0,2\n"),
            (Texts{"3:1: expert 0 of layer 0 is there already"}));
  EXPECT_EQ(counts_mistakes("layer,expert,tokens\n0.5,0,1\n"),
            (Texts{"2:1: no layer 0.5 with an expert 0"}));
  EXPECT_EQ(counts_mistakes("layer,expert,tokens\n0,0,1\n0,1,1\n1,1,1\n"),
            (Texts{"1:1: layer 1 does not have every expert; write all 2 of them"}));
  EXPECT_EQ(counts_mistakes("layer,expert,tokens\n0,0,0\n0,1,0\n"),
            (Texts{"1:1: no expert of layer 0 has a token"}));
  EXPECT_EQ(counts_mistakes("layer,expert,tokens\n0,0,many\n"),
            (Texts{"2:5: 'many' is not a finite number"}));
}

}  // namespace
}  // namespace planewise::spec
