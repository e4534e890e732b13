// Products of cuBLASLt: where their operands are, without a GPU; their values, with one.
#include "calibration/cuda/cublaslt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "calibration/cuda/cublaslt_groups.h"
#include "calibration/cuda/cublaslt_products.h"
#include "calibration/cuda/mxfp8.h"
#include "gpu.h"

namespace planewise::calibration {
namespace {

// BF16 keeps 8 bits: a relative error of 2^-9 at most, squared 4e-6, and difference() is half the
// mean of the squares. FP8 products add FP32 rounding alone. A wrong scale is off by 1e-1.
constexpr double kBf16Limit = 5e-5;

const GroupRows kGroups{.first = {0, 128, 128}, .count = {100, 0, 130}, .rows_all = 384};

TEST(CublasltGroups, SkipsEmptyGroupsAndRoundsRows) {
  const std::vector<GroupCall> expected{{.group = 0, .first = 0, .count = 100, .rows = 112},
                                        {.group = 2, .first = 128, .count = 130, .rows = 144}};
  EXPECT_EQ(group_calls(kGroups, 16), expected);
}

TEST(CublasltGroups, BlockScalesHaveColumnsOfAMultipleOfFour) {
  EXPECT_EQ(block_scale_count(4096, 7168), 32 * 56);
  EXPECT_EQ(block_scale_count(2112, 7168), 17 * 56);  // 2112 / 128 = 16.5
  EXPECT_EQ(block_scale_count(128, 640), 8);          // 640 / 128 = 5
}

TEST(CublasltGroups, ScalesOfAGroupBeginWithItsFirstRow) {
  EXPECT_EQ(regrouped_offset({.first = 128}, 7168), 128 * 56);
}

TEST(Mxfp8, ScalesComeInWholeTiles) {
  EXPECT_EQ(mxfp8_scale_bytes(128, 128), 512);
  EXPECT_EQ(mxfp8_scale_bytes(129, 256), 2 * 2 * 512);
}

TEST(Mxfp8, ScalesLieAsTheDocumentationOfCublasSays) {
  // (33 mod 32) x 16 + (33 / 32) x 4 + 2
  EXPECT_EQ(mxfp8_scale_offset(33, 2, 128), 16 + 4 + 2);
  // The second tile of the second row of tiles, two tiles a row: 3 x 512; the second scale of it.
  EXPECT_EQ(mxfp8_scale_offset(128, 5, 256), 3 * 512 + 1);
}

TEST(Mxfp8, EveryScaleHasItsOwnByte) {
  std::set<std::int64_t> offsets;
  for (std::int64_t row = 0; row < 256; ++row) {
    for (std::int64_t block = 0; block < 12; ++block) {
      offsets.insert(mxfp8_scale_offset(row, block, 384));
    }
  }
  EXPECT_EQ(offsets.size(), 256U * 12);
  EXPECT_EQ(*offsets.begin(), 0);
  EXPECT_EQ(*offsets.rbegin(), mxfp8_scale_bytes(256, 384) - 1);
}

TEST(Mxfp8, ScalesAreThePowerOfTwoThatIsNotBelow) {
  EXPECT_EQ(mxfp8_scale(448), 127);  // 2^0
  EXPECT_EQ(mxfp8_scale(449), 128);  // the next power of two
  EXPECT_EQ(mxfp8_scale(7), 121);    // 448 / 64: 2^-6
  EXPECT_EQ(mxfp8_scale(0), 0);
}

TEST(Cublaslt, NamesTheShapeOfAProduct) {
  EXPECT_EQ(to_string(MatrixProduct{.m = 4, .n = 64, .k = 128}), "m 4 n 64 k 128");
  EXPECT_EQ(to_string(MatrixProduct{.m = 4, .n = 64, .k = 128, .batch = 8}),
            "m 4 n 64 k 128 batch 8");
}

TEST(Cublaslt, VersionIsOfTheLibraryThatIsLoaded) {
  EXPECT_EQ(cublaslt_version().substr(0, 3), std::to_string(cublasLtGetVersion() / 10000) + ".");
}

TEST(Cublaslt, ErrorsNameCallStatusAndShape) {
  try {
    check_cublaslt(CUBLAS_STATUS_NOT_SUPPORTED, "cublasLtMatmul(..)", "m 4 n 64 k 128", "a.cc", 7);
    FAIL();
  } catch (const std::runtime_error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("CUBLAS_STATUS_NOT_SUPPORTED"), std::string::npos) << text;
    EXPECT_NE(text.find("cublasLtMatmul(..) for m 4 n 64 k 128"), std::string::npos) << text;
    EXPECT_NE(text.find("a.cc:7"), std::string::npos) << text;
  }
}

TEST(Cublaslt, MaskedRowsAreRefused) {
  const auto made = make_cublaslt_products(
      {.shape = {.groups = 2, .m = 128, .n = 128, .k = 128}, .layout = RowLayout::masked});
  ASSERT_TRUE(std::holds_alternative<NotMeasured>(made));
  EXPECT_NE(std::get<NotMeasured>(made).reason.find("masked"), std::string::npos);
}

// What follows runs on a GPU.

/// Values of the rows that belong to a group; the others are not compared.
class Compared {
 public:
  void add(double value, double reference) {
    values_.push_back(value);
    references_.push_back(reference);
  }
  double difference() const { return calibration::difference(values_, references_); }

 private:
  std::vector<double> values_;
  std::vector<double> references_;
};

struct Fp8Case {
  std::int64_t n = 192;
  std::int64_t k = 640;  // 5 blocks: columns of 128 x 128 scales are padded to 8
  std::vector<std::uint8_t> x{};
  std::vector<std::uint8_t> w{};
  std::vector<float> x_scales{};  // [k / 128][rows_all]
  std::vector<float> w_scales{};
};

Fp8Case random_fp8_case() {
  std::mt19937 random(1);
  Fp8Case made;
  made.x = random_e4m3(static_cast<std::size_t>(kGroups.rows_all * made.k), random);
  made.w = random_e4m3(static_cast<std::size_t>(3 * made.n * made.k), random);
  made.x_scales = random_scales(static_cast<std::size_t>(kGroups.rows_all * 5), random);
  made.w_scales =
      random_scales(static_cast<std::size_t>(3 * block_scale_count(made.n, made.k)), random);
  return made;
}

double fp8_reference(const Fp8Case& of, std::int64_t group, std::int64_t row, std::int64_t column) {
  double sum = 0;
  for (std::int64_t i = 0; i < of.k; ++i) {
    const double x = from_e4m3(of.x[static_cast<std::size_t>(row * of.k + i)]);
    const double w = from_e4m3(of.w[static_cast<std::size_t>((group * of.n + column) * of.k + i)]);
    const double x_scale = of.x_scales[static_cast<std::size_t>(i / 128 * kGroups.rows_all + row)];
    const double w_scale = of.w_scales[static_cast<std::size_t>(
        group * block_scale_count(of.n, of.k) + column / 128 * 8 + i / 128)];
    sum += x * x_scale * w * w_scale;
  }
  return sum;
}

double fp8_difference(const Fp8Case& of, const std::vector<std::uint16_t>& y) {
  Compared compared;
  for (const GroupCall& call : group_calls(kGroups, 1)) {
    for (std::int64_t row = call.first; row < call.first + call.count; ++row) {
      for (std::int64_t column = 0; column < of.n; ++column) {
        compared.add(from_bf16(y[static_cast<std::size_t>(row * of.n + column)]),
                     fp8_reference(of, call.group, row, column));
      }
    }
  }
  return compared.difference();
}

TEST(CublasltGpu, Fp8ProductsOfGroupsAreThoseOfTheProcessor) {
  PW_NEEDS_GPU();
  auto made = make_cublaslt_products({.shape = {.groups = 3, .m = 77, .n = 192, .k = 640}});
  if (compute_capability_tens() != 90) {
    EXPECT_TRUE(std::holds_alternative<NotMeasured>(made));
    GTEST_SKIP() << "block scales are Hopper's alone";
  }
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Products>>(made))
      << std::get<NotMeasured>(made).reason;
  auto& products = *std::get<std::unique_ptr<Products>>(made);
  const Fp8Case of = random_fp8_case();
  const Buffer x = to_gpu(of.x);
  const Buffer w = to_gpu(of.w);
  const Buffer x_scales = to_gpu(of.x_scales);
  const Buffer w_scales = to_gpu(of.w_scales);
  const Buffer y(static_cast<std::size_t>(kGroups.rows_all * of.n) * 2);
  const Stream stream;
  RowScaled x_scaled{x.as<std::uint8_t>(), x_scales.as<float>(), kGroups.rows_all};
  const BlockScaled w_scaled{w.as<std::uint8_t>(), w_scales.as<float>()};
  y.poison(stream);
  products.launch(x_scaled, w_scaled, y.as<std::uint16_t>(), kGroups, stream.get());
  stream.synchronise();
  EXPECT_LT(fp8_difference(of, from_gpu<std::uint16_t>(y)), kBf16Limit);
  EXPECT_EQ(products.kernels(), 4);  // three groups and the regrouping

  const Buffer regrouped(x_scales.size());
  regroup_scales(x_scaled, group_calls(kGroups, products.row_multiple()), of.k,
                 regrouped.as<float>(), stream.get());
  x_scaled = {x.as<std::uint8_t>(), regrouped.as<float>(), 0};
  y.poison(stream);
  products.launch(x_scaled, w_scaled, y.as<std::uint16_t>(), kGroups, stream.get());
  stream.synchronise();
  EXPECT_LT(fp8_difference(of, from_gpu<std::uint16_t>(y)), kBf16Limit);
  EXPECT_EQ(products.kernels(), 3);
}

TEST(CublasltGpu, WeightGradientsAreThoseOfTheProcessor) {
  PW_NEEDS_GPU();
  constexpr std::int64_t n = 128;
  constexpr std::int64_t k = 192;
  auto made = make_cublaslt_weight_gradients({.shape = {.groups = 3, .m = 77, .n = n, .k = k}});
  if (compute_capability_tens() != 90) GTEST_SKIP() << "block scales are Hopper's alone";
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<WeightGradients>>(made))
      << std::get<NotMeasured>(made).reason;
  std::mt19937 random(2);
  const std::int64_t all = kGroups.rows_all;
  auto dy = random_e4m3(static_cast<std::size_t>(n * all), random);
  auto x = random_e4m3(static_cast<std::size_t>(k * all), random);
  for (std::int64_t row = 0; row < all; ++row) {
    if (row < 100 || (row >= 128 && row < 128 + 130)) continue;
    for (std::int64_t i = 0; i < n; ++i) dy[static_cast<std::size_t>(i * all + row)] = 0;
    for (std::int64_t i = 0; i < k; ++i) x[static_cast<std::size_t>(i * all + row)] = 0;
  }
  const auto dy_scales = random_scales(static_cast<std::size_t>(all / 128 * n), random);
  const auto x_scales = random_scales(static_cast<std::size_t>(all / 128 * k), random);
  const Buffer dy_there = to_gpu(dy);
  const Buffer x_there = to_gpu(x);
  const Buffer dy_scales_there = to_gpu(dy_scales);
  const Buffer x_scales_there = to_gpu(x_scales);
  const Buffer dw(3 * n * k * sizeof(float));
  const Stream stream;
  dw.poison(stream);
  std::get<std::unique_ptr<WeightGradients>>(made)->launch(
      {dy_there.as<std::uint8_t>(), dy_scales_there.as<float>(), n},
      {x_there.as<std::uint8_t>(), x_scales_there.as<float>(), k}, dw.as<float>(), kGroups,
      stream.get());
  stream.synchronise();
  const auto values = from_gpu<float>(dw);
  Compared compared;
  for (std::int64_t group = 0; group < 3; ++group) {
    for (std::int64_t i = 0; i < n * k; ++i) {
      double sum = 0;
      const auto g = static_cast<std::size_t>(group);
      for (std::int64_t row = kGroups.first[g]; row < kGroups.first[g] + kGroups.count[g]; ++row) {
        const auto block = row / 128;
        sum += from_e4m3(dy[static_cast<std::size_t>(i / k * all + row)]) *
               dy_scales[static_cast<std::size_t>(block * n + i / k)] *
               from_e4m3(x[static_cast<std::size_t>(i % k * all + row)]) *
               x_scales[static_cast<std::size_t>(block * k + i % k)];
      }
      compared.add(values[static_cast<std::size_t>(group * n * k + i)], sum);
    }
  }
  // FP32 all the way: 1e-7 a step.
  EXPECT_LT(compared.difference(), 1e-9);
}

/// Of X and W as floats [rows_all, k] and [3, n, k].
double plain_difference(const std::vector<double>& x, const std::vector<double>& w,
                        const std::vector<double>& y, std::int64_t n, std::int64_t k) {
  Compared compared;
  for (const GroupCall& call : group_calls(kGroups, 1)) {
    for (std::int64_t row = call.first; row < call.first + call.count; ++row) {
      for (std::int64_t column = 0; column < n; ++column) {
        double sum = 0;
        for (std::int64_t i = 0; i < k; ++i) {
          sum += x[static_cast<std::size_t>(row * k + i)] *
                 w[static_cast<std::size_t>((call.group * n + column) * k + i)];
        }
        compared.add(y[static_cast<std::size_t>(row * n + column)], sum);
      }
    }
  }
  return compared.difference();
}

std::vector<double> doubles(const std::vector<std::uint16_t>& values) {
  std::vector<double> made;
  for (const std::uint16_t value : values) made.push_back(from_bf16(value));
  return made;
}

TEST(CublasltGpu, Bf16AndFp32ProductsOfGroupsAreThoseOfTheProcessor) {
  PW_NEEDS_GPU();
  constexpr std::int64_t n = 72;
  constexpr std::int64_t k = 136;
  const ProductOptions options{.shape = {.groups = 3, .m = 77, .n = n, .k = k}};
  std::mt19937 random(3);
  const auto x = random_bf16(static_cast<std::size_t>(kGroups.rows_all * k), random);
  const auto w = random_bf16(static_cast<std::size_t>(3 * n * k), random);
  const Stream stream;
  const Buffer y(static_cast<std::size_t>(kGroups.rows_all * n) * 2);
  y.poison(stream);
  auto bf16 = make_cublaslt_bf16_products(options);
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Bf16Products>>(bf16))
      << std::get<NotMeasured>(bf16).reason;
  const Buffer x_there = to_gpu(x);
  const Buffer w_there = to_gpu(w);
  std::get<std::unique_ptr<Bf16Products>>(bf16)->launch(
      x_there.as<std::uint16_t>(), w_there.as<std::uint16_t>(), y.as<std::uint16_t>(), kGroups,
      stream.get());
  stream.synchronise();
  EXPECT_LT(plain_difference(doubles(x), doubles(w), doubles(from_gpu<std::uint16_t>(y)), n, k),
            kBf16Limit);

  std::vector<float> x_floats;
  std::vector<float> w_floats;
  for (const std::uint16_t value : x) x_floats.push_back(from_bf16(value) * 1.0009765625F);
  for (const std::uint16_t value : w) w_floats.push_back(from_bf16(value) * 1.0009765625F);
  auto fp32 = make_cublaslt_fp32_products(options);
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Fp32Products>>(fp32))
      << std::get<NotMeasured>(fp32).reason;
  const Buffer y_floats(static_cast<std::size_t>(kGroups.rows_all * n) * 4);
  y_floats.poison(stream);
  const Buffer x_floats_there = to_gpu(x_floats);
  const Buffer w_floats_there = to_gpu(w_floats);
  std::get<std::unique_ptr<Fp32Products>>(fp32)->launch(
      x_floats_there.as<float>(), w_floats_there.as<float>(), y_floats.as<float>(), kGroups,
      stream.get());
  stream.synchronise();
  const auto found = from_gpu<float>(y_floats);
  // TF32 keeps 10 bits and would cut off the 2^-10 of the factor: 1e-6 and more. FP32 gives 1e-13.
  EXPECT_LT(plain_difference({x_floats.begin(), x_floats.end()}, {w_floats.begin(), w_floats.end()},
                             {found.begin(), found.end()}, n, k),
            1e-10);
}

TEST(CublasltGpu, Mxfp8QuantisesAsTheDocumentationSays) {
  PW_NEEDS_GPU();
  constexpr std::int64_t rows = 130;
  constexpr std::int64_t columns = 256;
  std::mt19937 random(4);
  const auto x = random_bf16(rows * columns, random);
  const Buffer x_there = to_gpu(x);
  const Buffer values(rows * columns);
  const Buffer scales(static_cast<std::size_t>(mxfp8_scale_bytes(rows, columns)));
  const Stream stream;
  values.poison(stream);
  scales.poison(stream);
  quantise_mxfp8(x_there.as<std::uint16_t>(), rows, columns, values.as<std::uint8_t>(),
                 scales.as<std::uint8_t>(), stream.get());
  stream.synchronise();
  const auto found = from_gpu<std::uint8_t>(values);
  const auto found_scales = from_gpu<std::uint8_t>(scales);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t block = 0; block < columns / 32; ++block) {
      float largest = 0;
      const auto first = static_cast<std::size_t>(row * columns + block * 32);
      for (std::size_t i = 0; i < 32; ++i) {
        largest = std::max(largest, std::abs(from_bf16(x[first + i])));
      }
      const std::uint8_t scale = mxfp8_scale(largest);
      ASSERT_EQ(found_scales[static_cast<std::size_t>(mxfp8_scale_offset(row, block, columns))],
                scale);
      for (std::size_t i = 0; i < 32; ++i) {
        const double value = from_bf16(x[first + i]);
        const double back = std::ldexp(from_e4m3(found[first + i]), scale - 127);
        // Half of the last of 3 bits, or of the smallest step, 2^-9.
        ASSERT_NEAR(back, value, std::max(std::abs(value) / 16, std::ldexp(1.0, scale - 127 - 10)));
      }
    }
  }
  EXPECT_EQ(found_scales[static_cast<std::size_t>(mxfp8_scale_offset(rows, 0, columns))], 0);
}

TEST(CublasltGpu, Mxfp8ProductsAreThoseOfTheProcessor) {
  PW_NEEDS_GPU();
  constexpr std::int64_t n = 192;
  constexpr std::int64_t k = 256;
  auto made = make_cublaslt_mxfp8_products({.shape = {.groups = 3, .m = 77, .n = n, .k = k}});
  if (compute_capability_tens() < 100) {
    EXPECT_TRUE(std::holds_alternative<NotMeasured>(made));
    GTEST_SKIP() << "MXFP8 needs Blackwell";
  }
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<MxProducts>>(made))
      << std::get<NotMeasured>(made).reason;
  std::mt19937 random(5);
  const auto x = random_bf16(static_cast<std::size_t>(kGroups.rows_all * k), random);
  const auto w = random_bf16(static_cast<std::size_t>(3 * n * k), random);
  const Buffer x_there = to_gpu(x);
  const Buffer w_there = to_gpu(w);
  const Buffer x_values(x.size());
  const Buffer w_values(w.size());
  const auto w_scale_bytes = mxfp8_scale_bytes(n, k);
  const Buffer x_scales(static_cast<std::size_t>(mxfp8_scale_bytes(kGroups.rows_all, k)));
  const Buffer w_scales(static_cast<std::size_t>(3 * w_scale_bytes));
  const Buffer y(static_cast<std::size_t>(kGroups.rows_all * n) * 2);
  const Stream stream;
  y.poison(stream);
  quantise_mxfp8(x_there.as<std::uint16_t>(), kGroups.rows_all, k, x_values.as<std::uint8_t>(),
                 x_scales.as<std::uint8_t>(), stream.get());
  for (std::int64_t group = 0; group < 3; ++group) {
    quantise_mxfp8(w_there.as<std::uint16_t>() + group * n * k, n, k,
                   w_values.as<std::uint8_t>() + group * n * k,
                   w_scales.as<std::uint8_t>() + group * w_scale_bytes, stream.get());
  }
  std::get<std::unique_ptr<MxProducts>>(made)->launch(
      {x_values.as<std::uint8_t>(), x_scales.as<std::uint8_t>()},
      {w_values.as<std::uint8_t>(), w_scales.as<std::uint8_t>()}, y.as<std::uint16_t>(), kGroups,
      stream.get());
  stream.synchronise();
  // Two operands rounded to 3 bits: a relative error of 2^-4 / sqrt(3) each, 0.0026 in the mean of
  // the squares together, half of it in difference().
  EXPECT_LT(plain_difference(doubles(x), doubles(w), doubles(from_gpu<std::uint16_t>(y)), n, k),
            2e-3);
}

}  // namespace
}  // namespace planewise::calibration
