#include "calibration/measure/row_spread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace planewise::calibration {
namespace {

Measurement grouped(std::int64_t groups, std::int64_t m, RowSpread spread) {
  return {.shape = {.groups = groups, .m = m, .n = 128, .k = 128}, .spread = spread};
}

TEST(RowSpread, KeepsAllRows) {
  for (const RowSpread spread : {RowSpread::balanced, RowSpread::uneven, RowSpread::zipf}) {
    for (const std::int64_t groups : {1, 3, 4, 32}) {
      for (const std::int64_t m : {1, 20, 192, 8192}) {
        const auto rows = rows_of_groups(grouped(groups, m, spread));
        EXPECT_EQ(std::ssize(rows), groups);
        EXPECT_EQ(std::accumulate(rows.begin(), rows.end(), std::int64_t{0}), groups * m);
      }
    }
  }
}

TEST(RowSpread, BalancedIsEqual) {
  EXPECT_EQ(rows_of_groups(grouped(3, 20, RowSpread::balanced)),
            (std::vector<std::int64_t>{20, 20, 20}));
}

TEST(RowSpread, UnevenIsWithinDeepGemmsBoundsAndTheSameEachTime) {
  const Measurement m = grouped(32, 1000, RowSpread::uneven);
  const auto rows = rows_of_groups(m);
  EXPECT_EQ(rows, rows_of_groups(m));
  EXPECT_NE(rows.front(), rows.back());
  // Draws of U(0.7, 1.3), scaled so that the sum holds: no more than 1.3 / 0.7 apart.
  const auto [least, most] = std::minmax_element(rows.begin(), rows.end());
  EXPECT_LE(static_cast<double>(*most), static_cast<double>(*least + 1) * 1.3 / 0.7);
}

TEST(RowSpread, ZipfFallsWithTheRank) {
  // 4 x 25 = 100 rows as 1 : 1/2 : 1/3 : 1/4, of 25/12: 48, 24, 16, 12.
  EXPECT_EQ(rows_of_groups(grouped(4, 25, RowSpread::zipf)),
            (std::vector<std::int64_t>{48, 24, 16, 12}));
}

}  // namespace
}  // namespace planewise::calibration
