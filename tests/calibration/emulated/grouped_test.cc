// The grouped FP8 kernel, run by the emulator, against the processor's product of the same codes.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "calibration/cuda/cublaslt_groups.h"
#include "calibration/cuda/grouped_layout.h"
#include "calibration/cuda/products.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"

namespace planewise::calibration {
namespace {

struct Case {
  std::vector<std::int64_t> counts{};
  std::int64_t n = 128;
  std::int64_t k = 128;
  int sms = 2;
  bool is_masked = false;
};

void expect_products(const Case& c) {
  const auto groups = static_cast<std::int64_t>(c.counts.size());
  const std::int64_t room =
      128 * ((*std::max_element(c.counts.begin(), c.counts.end()) + 127) / 128);
  const host::Segments segments =
      c.is_masked ? host::masked_segments(c.counts, room) : host::contiguous_segments(c.counts);
  const std::int64_t rows = segments.rows_all;
  const host::RowQuantised x = host::quantise(host::random_floats(rows * c.k, 1, 1), {rows, c.k});
  const host::BlockQuantised w = host::quantise_blocks(
      host::from_bf16(host::random_weights(groups, {c.n, c.k}, 0.1, 2)), groups, {c.n, c.k});
  const std::vector<int> counts(c.counts.begin(), c.counts.end());
  const GroupRows where{.first = segments.first,
                        .count = segments.count,
                        .count_on_gpu = c.is_masked ? counts.data() : nullptr,
                        .room = c.is_masked ? room : 0,
                        .rows_all = rows};
  auto made =
      make_grouped_products({.shape = {groups, 1, c.n, c.k},
                             .layout = c.is_masked ? RowLayout::masked : RowLayout::contiguous,
                             .sms = c.sms});
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Products>>(made));
  constexpr std::uint16_t kNan = 0xFFFF;
  std::vector<std::uint16_t> y(static_cast<std::size_t>(rows * c.n), kNan);
  std::get<0>(made)->launch({x.values.data(), x.scales.data(), rows},
                            {w.values.data(), w.scales.data()}, y.data(), where, nullptr);
  const std::vector<float> expected = host::product(x, w, segments);
  for (std::size_t g = 0; g < c.counts.size(); ++g) {
    const std::int64_t end = g + 1 < c.counts.size() ? segments.first[g + 1] : rows;
    for (std::int64_t row = segments.first[g]; row < end; ++row) {
      for (std::int64_t column = 0; column < c.n; ++column) {
        const auto at = static_cast<std::size_t>(row * c.n + column);
        if (row >= segments.first[g] + segments.count[g]) {
          ASSERT_EQ(y[at], kNan) << "a row that pads was written";
          continue;
        }
        // BF16's rounding, and FP32 sums in another order.
        ASSERT_NEAR(host::from_bf16(y[at]), expected[at], 0x1p-8 * std::abs(expected[at]) + 1e-4)
            << "group " << g << ", row " << row << ", column " << column;
      }
    }
  }
}

TEST(EmulatedGrouped, OneTileIsThatOfTheProcessor) { expect_products({.counts = {128}}); }

TEST(EmulatedGrouped, KGoesAroundTheRing) {
  expect_products({.counts = {70}, .k = 1536, .sms = 1});  // 12 steps in 5 stages
}

TEST(EmulatedGrouped, GroupsOfAnyRows) {
  expect_products({.counts = {1, 0, 129, 127}, .n = 256, .k = 256, .sms = 3});
}

TEST(EmulatedGrouped, ColumnsThatFillNoTile) {
  expect_products({.counts = {40}, .n = 192, .k = 256});
}

TEST(EmulatedGrouped, MaskedRowsAreCountedOnTheGpu) {
  expect_products({.counts = {5, 0, 130}, .n = 128, .k = 384, .sms = 2, .is_masked = true});
}

TEST(EmulatedGrouped, RefusesWhatItDoesNotTake) {
  const auto is_refused = [](const spec::GemmShape& shape) {
    return std::holds_alternative<NotMeasured>(make_grouped_products({.shape = shape}));
  };
  EXPECT_TRUE(is_refused({2, 128, 192, 128}));
  EXPECT_TRUE(is_refused({1, 128, 128, 192}));
  EXPECT_TRUE(is_refused({257, 128, 128, 128}));
  EXPECT_FALSE(is_refused({1, 128, 2112, 7168}));
}

TEST(GroupedLayout, FragmentsAreEveryElementOnce) {
  std::set<std::pair<int, int>> elements;
  for (int thread = 0; thread < 128; ++thread) {
    for (int i = 0; i < kSums; ++i) {
      EXPECT_TRUE(elements.insert({fragment_row(thread, i), fragment_column(thread, i)}).second);
    }
  }
  EXPECT_EQ(elements.size(), 64U * 128U);
  EXPECT_EQ(elements.rbegin()->first, 63);
}

TEST(GroupedLayout, DescriptorHoldsItsFields) {
  const std::uint64_t d = matrix_descriptor(0x12340);
  EXPECT_EQ(d & 0x3FFF, 0x1234U);    // address / 16
  EXPECT_EQ(d >> 32 & 0x3FFF, 64U);  // 1,024 bytes / 16
  EXPECT_EQ(d >> 62, 1U);            // 128-byte swizzle
  EXPECT_EQ(d >> 46 & 0xFFFF, 0U);   // no base offset: tiles begin at multiples of 1,024
}

TEST(GroupedLayout, BlocksTakeEveryTileOnce) {
  const std::vector<std::vector<int>> all = {{0}, {1}, {127, 128, 129}, {0, 0, 300, 0}, {5, 1000}};
  for (const std::vector<int>& counts : all) {
    for (const int blocks : {1, 2, 3, 132}) {
      GroupedRows rows{.groups = static_cast<int>(counts.size())};
      std::copy(counts.begin(), counts.end(), rows.count);
      std::set<std::tuple<int, int, int>> tiles;
      int elements = 0;
      for (int block = 0; block < blocks; ++block) {
        TileWalk walk(rows, 3);
        GroupedTile tile;
        for (int index = block; walk.find(index, &tile); index += blocks) {
          EXPECT_TRUE(tiles.insert({tile.group, tile.first_row, tile.column}).second);
          EXPECT_GE(tile.rows, 1);
          elements += tile.rows * kGroupedTile;
        }
      }
      int expected = 0;
      for (const int count : counts) expected += count * 3 * kGroupedTile;
      EXPECT_EQ(elements, expected);
    }
  }
}

}  // namespace
}  // namespace planewise::calibration
