// Percentiles of flow completion times against a sorted list, and by label.
#include "simulate/completion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "simulate/small_system.h"
#include "simulate/two_ranks.h"

namespace planewise::simulate {
namespace {

using namespace test;

TEST(LogHistogram, AgreesWithASortedList) {
  LogHistogram histogram;
  std::vector<double> all;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    // From 1 us to 1 s, evenly on the logarithmic scale; every third counts for three.
    const double exponent = static_cast<double>(mix_bits(i) >> 11U) / 9007199254740992.0;
    const double time = 1e-6 * std::pow(1e6, exponent);
    const int count = i % 3 == 0 ? 3 : 1;
    histogram.add(seconds(time), count);
    all.insert(all.end(), static_cast<std::size_t>(count), time);
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(histogram.count(), static_cast<std::int64_t>(all.size()));
  for (const double share : {0.001, 0.5, 0.9, 0.99, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(all.size())));
    // Half a bucket of 0.1 %.
    EXPECT_NEAR(histogram.percentile(share).base() / all[rank - 1], 1, 0.0005001) << share;
  }
  EXPECT_EQ(histogram.longest().base(), all.back());
}

TEST(LogHistogram, IsExactForOneTime) {
  LogHistogram histogram;
  histogram.add(seconds(0.123), 7);
  EXPECT_EQ(histogram.percentile(0.5), seconds(0.123));
  EXPECT_EQ(histogram.percentile(0.99), seconds(0.123));
}

TEST(LogHistogram, TakesTimesOfNothing) {
  LogHistogram histogram;
  histogram.add(Seconds{}, 2);
  EXPECT_EQ(histogram.percentile(0.5), Seconds{});
  EXPECT_EQ(histogram.longest(), Seconds{});
}

TEST(Completion, IsFromTheRequestToTheLastByte) {
  const TwoRanks two({kExchange, kSend}, {kThreeSeconds, kExchange, kReceive});
  Completion completion;
  two.drive_fast({&completion});
  const std::vector<LabelCompletion> labels = completion.by_label();
  ASSERT_EQ(labels.size(), 2U);
  // 1 GB and 2 GB at 1 GB/s after 0.25 s; the tail is no flow's, nor is the wait for rank 1.
  EXPECT_EQ(labels[0].label, "exchange");
  EXPECT_EQ(labels[0].flows, 2);
  EXPECT_NEAR(labels[0].p50.base(), 1.25, 1.25 * 0.0005001);
  EXPECT_NEAR(labels[0].p90.base(), 2.25, 2.25 * 0.0005001);
  EXPECT_NEAR(labels[0].longest.base(), 2.25, 1e-12);
  EXPECT_EQ(labels[1].label, "message");
  EXPECT_NEAR(labels[1].p99.base(), 1.25, 1e-12);  // the only one: exact
}

// A class of flows counts for all of its flows.
TEST(Completion, IsTheSameWithoutReduction) {
  for (const TopologyOptions& fabric : small_fabrics(spec::Routing::spray)) {
    const Watch watch{.completion = true};
    const Result reduced = simulate_small({.pipeline = 4}, fabric, {.watch = watch}).result;
    const Result full =
        simulate_small({.pipeline = 4}, fabric, {.symmetry = false, .watch = watch}).result;
    ASSERT_EQ(reduced.completion.size(), full.completion.size());
    for (std::size_t i = 0; i < full.completion.size(); ++i) {
      const LabelCompletion& a = reduced.completion[i];
      const LabelCompletion& b = full.completion[i];
      EXPECT_EQ(a.label, b.label);
      EXPECT_EQ(a.flows, b.flows);
      // Rounding may move a time over the edge of a bucket.
      EXPECT_NEAR(a.p50.in(b.p50), 1, 0.0011);
      EXPECT_NEAR(a.p99.in(b.p99), 1, 0.0011);
      EXPECT_NEAR(a.longest.in(b.longest), 1, 1e-9);
    }
  }
}

}  // namespace
}  // namespace planewise::simulate
