// Loads over time: what a bin holds, and that nothing is lost between them.
#include "simulate/link_loads.h"

#include <gtest/gtest.h>

#include <numeric>

#include "simulate/small_system.h"
#include "simulate/two_ranks.h"

namespace planewise::simulate {
namespace {

using namespace test;

double sum_of_bins(const LinkLoads& loads, std::size_t link) {
  double sum = 0;
  for (std::size_t bin = 0; bin < LinkLoads::kBins; ++bin) sum += loads.bytes(link, bin).base();
  return sum;
}

// The message is on the wire from 1.25 s to 2.25 s; the step ends at 4 s. 1 us doubled 15 times is
// the first width of which 128 last 4 s: bins of 32.768 ms, and 4 s lie in bin 122.
TEST(LinkLoads, SpreadsAFlowOverItsLife) {
  const TwoRanks two({kOneSecond, kSend, kThreeSeconds}, {kReceive, kOneSecond});
  LinkLoads loads;
  two.drive_fast({&loads});
  EXPECT_NEAR(loads.bin_width().base(), 32.768e-3, 1e-12);
  EXPECT_EQ(loads.bin_count(), 123U);
  EXPECT_EQ(loads.bytes(0, 37).base(), 0);  // ends at 1.245 s
  // Bin 38 ends at 1.277952 s.
  EXPECT_NEAR(loads.bytes(0, 38).base(), 1e9 * (1.277952 - 1.25), 1);
  EXPECT_NEAR(loads.bytes(0, 39).base(), 1e9 * 32.768e-3, 1);
  EXPECT_NEAR(loads.load(0, 39), 1, 1e-9);  // 1 GB over 1 s on a link of 1 GB/s
  EXPECT_NEAR(sum_of_bins(loads, 0), 1e9, 1);
  EXPECT_EQ(sum_of_bins(loads, 1), 0);
}

TEST(LinkLoads, MeasuresTheLastBinByTheTimeThatIsLeftOfIt) {
  const TwoRanks two({kSend}, {kReceive});
  LinkLoads loads;
  two.drive_fast({&loads});
  // Ends at 1.25 s in the middle of a bin (of 16.384 ms), on the wire to the last.
  EXPECT_NEAR(loads.load(0, loads.bin_count() - 1), 1, 1e-6);
}

/// Adds up what flows say they carried, by link.
class CarriedSum final : public Observer {
 public:
  void run_began(const System& system) override { bytes_.assign(system.links.size(), 0); }
  void carried(const Carried& part) override {
    for (const std::int32_t link : part.path) {
      bytes_[static_cast<std::size_t>(link)] += part.size.base() * part.weight;
    }
  }
  const std::vector<double>& bytes() const { return bytes_; }

 private:
  std::vector<double> bytes_;
};

TEST(LinkLoads, LosesNothing) {
  for (const spec::Routing routing : {spec::Routing::spray, spec::Routing::ecmp}) {
    for (const TopologyOptions& fabric : small_fabrics(routing)) {
      LinkLoads loads;
      CarriedSum carried;
      simulate_small({.pipeline = 4}, fabric, {.observers = {&loads, &carried}});
      for (std::size_t link = 0; link < carried.bytes().size(); ++link) {
        // Sums of the same bytes in another order.
        EXPECT_NEAR(sum_of_bins(loads, link), carried.bytes()[link], 1e-9 * carried.bytes()[link]);
      }
    }
  }
}

// Reduced or not: as many links of each kind, and their mean over the step is the same.
TEST(LinkLoads, AreThoseOfAllLinksUnderSymmetry) {
  for (const TopologyOptions& fabric : small_fabrics(spec::Routing::spray)) {
    const Watch watch{.loads = true};
    const Result reduced = simulate_small({.pipeline = 4}, fabric, {.watch = watch}).result;
    const Result full =
        simulate_small({.pipeline = 4}, fabric, {.symmetry = false, .watch = watch}).result;
    ASSERT_EQ(reduced.loads->kinds.size(), full.loads->kinds.size());
    EXPECT_EQ(reduced.loads->bin_width, full.loads->bin_width);
    for (std::size_t k = 0; k < full.loads->kinds.size(); ++k) {
      const KindLoad& a = reduced.loads->kinds[k];
      const KindLoad& b = full.loads->kinds[k];
      EXPECT_EQ(a.kind, b.kind);
      EXPECT_EQ(a.links, b.links);
      ASSERT_EQ(a.mean.size(), b.mean.size());
      for (std::size_t bin = 0; bin < a.mean.size(); ++bin) {
        EXPECT_NEAR(a.mean[bin], b.mean[bin], 1e-6);  // edges of bins move by rounding
        EXPECT_NEAR(a.maximum[bin], b.maximum[bin], 1e-6);
      }
    }
  }
}

TEST(LinkLoads, NameTheBusiestLinksFirst) {
  const Result result = simulate_small({.pipeline = 4}, small_fabrics(spec::Routing::ecmp)[2],
                                       {.watch = {.loads = true, .busiest = 5}})
                            .result;
  ASSERT_EQ(result.busiest.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    const BusyLink& link = result.busiest[i];
    EXPECT_LE(link.load.mean_load, result.busiest[i == 0 ? 0 : i - 1].load.mean_load);
    EXPECT_GE(link.peak_load, link.load.mean_load);
    EXPECT_LT(link.peak_began, result.step_time);
  }
}

}  // namespace
}  // namespace planewise::simulate
