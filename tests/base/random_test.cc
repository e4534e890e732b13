#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <set>

namespace planewise {
namespace {

// The output of S. Vigna's public-domain splitmix64.c (prng.di.unimi.it) for the state 1234567, as
// listed at rosettacode.org, "Pseudo-random numbers/Splitmix64".
TEST(Random, IsTheReferenceStream) {
  Random random(1234567);
  EXPECT_EQ(random.bits(), 6457827717110365317ULL);
  EXPECT_EQ(random.bits(), 3203168211198807973ULL);
  EXPECT_EQ(random.bits(), 9817491932198370423ULL);
  EXPECT_EQ(random.bits(), 4593380528125082431ULL);
  EXPECT_EQ(random.bits(), 16408922859458223821ULL);
}

TEST(Random, SeedsGiveStreamsOfTheirOwn) {
  std::set<std::uint64_t> firsts;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) firsts.insert(Random(seed).bits());
  EXPECT_EQ(firsts.size(), 1000U);  // mix_bits is a bijection
}

// From the first number above: its upper 53 bits over 2^53.
TEST(Random, UniformIsTheUpperBitsOverTwoToThe53) {
  EXPECT_EQ(Random(1234567).uniform(),
            static_cast<double>(6457827717110365317ULL >> 11) / 9007199254740992.0);
}

TEST(Random, UniformFillsZeroToOne) {
  Random random(1);
  std::array<int, 10> tenths{};
  for (int i = 0; i < 10'000; ++i) {
    const double x = random.uniform();
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    ++tenths[static_cast<std::size_t>(x * 10)];
  }
  // 1,000 each; the standard deviation of such a count is sqrt(10,000 * 0.1 * 0.9) = 30: six of
  // them.
  for (const int count : tenths) EXPECT_NEAR(count, 1000, 180);
}

TEST(Random, IntegerReachesBothEnds) {
  Random random(2);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.integer(-2, 3));
  EXPECT_EQ(seen, (std::set<std::int64_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(random.integer(7, 7), 7);
}

TEST(Random, IntegerTakesTheWidestRanges) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  Random random(3);
  bool negative = false;
  bool positive = false;
  for (int i = 0; i < 100; ++i) {
    const std::int64_t any = random.integer(kMin, kMax);
    negative = negative || any < 0;
    positive = positive || any > 0;
    EXPECT_GE(random.integer(-1, kMax), -1);
    EXPECT_LE(random.integer(kMin, 1), 1);
  }
  EXPECT_TRUE(negative);
  EXPECT_TRUE(positive);
}

TEST(FoldBits, DependsOnTheOrder) {
  EXPECT_NE(fold_bits(fold_bits(0, 1), 2), fold_bits(fold_bits(0, 2), 1));
  EXPECT_NE(fold_bits(0, 1), fold_bits(1, 0));
}

}  // namespace
}  // namespace planewise
