#include "base/units.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace planewise {
namespace {

TEST(Units, NamedConstructorsAgreeOnBaseUnits) {
  EXPECT_EQ(bytes(7).base(), 7);
  EXPECT_EQ(seconds(2).base(), 2);
  EXPECT_EQ(milliseconds(3).base(), 0.003);
  EXPECT_EQ(microseconds(11).base(), 11e-6);
  EXPECT_EQ(hours(2).base(), 7200);
  EXPECT_EQ(bytes_per_second(5).base(), 5);
  EXPECT_EQ(gigabits_per_second(400).base(), 50e9);  // 400e9 / 8
  EXPECT_EQ(gigabytes_per_second(50).base(), 50e9);
  EXPECT_EQ(flop(9).base(), 9);
  EXPECT_EQ(gigaflop(250).base(), 250e9);
  EXPECT_EQ(teraflops(989).base(), 989e12);
  EXPECT_EQ(usd(40000).base(), 40000);
  EXPECT_EQ(watts(747).base(), 747);
  EXPECT_EQ(metres(2.5).base(), 2.5);
}

TEST(Units, DefaultIsZero) {
  EXPECT_EQ(Bytes{}, bytes(0));
  EXPECT_EQ(Seconds{}.base(), 0);
}

TEST(Units, EqualDimensionsAddSubtractAndCompare) {
  EXPECT_EQ(seconds(1) + milliseconds(500), seconds(1.5));
  EXPECT_EQ(seconds(1) - milliseconds(250), milliseconds(750));
  EXPECT_LT(microseconds(999), milliseconds(1));
  EXPECT_GE(hours(1), seconds(3600));
  Bytes sum = bytes(3);
  sum += bytes(4);
  sum -= bytes(2);
  EXPECT_EQ(sum, bytes(5));
}

TEST(Units, PlainNumbersScale) {
  EXPECT_EQ(usd(660) * 3, usd(1980));
  EXPECT_EQ(3 * usd(660), usd(1980));
  EXPECT_EQ(usd(1980) / 3, usd(660));
}

TEST(Units, ProductsAndQuotientsHaveTheirOwnDimension) {
  // 100 GB over 400 Gb/s = 50 GB/s takes 2 s.
  const Seconds time = bytes(100e9) / gigabits_per_second(400);
  EXPECT_EQ(time, seconds(2));
  EXPECT_EQ(gigabytes_per_second(50) * seconds(2), bytes(100e9));
  EXPECT_EQ(bytes(100e9) / seconds(2), gigabytes_per_second(50));
  EXPECT_EQ(flop(2e12) / teraflops(1), seconds(2));
  const auto energy = watts(747) * hours(1);  // joules
  EXPECT_EQ(energy.base(), 747.0 * 3600);
  EXPECT_EQ(energy / hours(1), watts(747));
}

TEST(Units, DimensionsAreTypes) {
  EXPECT_FALSE((std::is_same_v<Bytes, Seconds>));
  EXPECT_FALSE((std::is_convertible_v<double, Seconds>));
  EXPECT_FALSE((std::is_constructible_v<Seconds, double>));
  EXPECT_FALSE((std::is_convertible_v<Bytes, double>));
  EXPECT_TRUE((std::is_same_v<decltype(Bytes{} / Rate{}), Seconds>));
  EXPECT_TRUE((std::is_same_v<decltype(Flop{} / FlopRate{}), Seconds>));
  // Free of charge: a quantity is as large as its number.
  EXPECT_EQ(sizeof(Rate), sizeof(double));
}

TEST(Units, InReadsBackByUnit) {
  EXPECT_EQ(seconds(1.5).in(milliseconds(1)), 1500);
  EXPECT_EQ(hours(2).in(seconds(1)), 7200);
  EXPECT_EQ(gigabytes_per_second(50).in(gigabits_per_second(1)), 400);
  EXPECT_EQ(bytes(71'936).in(bytes(1)), 71'936);
  EXPECT_EQ(teraflops(385).in(teraflops(989)), 385.0 / 989);  // a share, such as MFU
  // One part in 2^52: a quotient of two rounded numbers is itself rounded.
  EXPECT_DOUBLE_EQ(microseconds(3.7).in(microseconds(1)), 3.7);
}

TEST(Units, WholeBytesAreExactToNinePetabytes) {
  constexpr double kMost = 9'007'199'254'740'992;  // 2^53
  EXPECT_EQ((bytes(kMost - 1) + bytes(1)).base(), kMost);
  EXPECT_NE(bytes(kMost - 1), bytes(kMost));
}

}  // namespace
}  // namespace planewise
