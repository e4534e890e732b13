// Curves of decode against the published kernels that they were made from: how far they are off.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "spec/read.h"
#include "workload/operator_parts.h"
#include "workload/operator_time.h"

namespace planewise::workload {
namespace {

spec::ProfileSpec profile(const std::string& name) {
  spec::Diagnostics diagnostics;
  spec::ProfileSpec profile = spec::read_profile(
      std::string(PLANEWISE_ROOT) + "/calibration/profiles/" + name + ".yaml", diagnostics);
  diagnostics.throw_if_any();
  return profile;
}

struct Row {
  std::int64_t groups, m, n, k;
  double teraflops;
};

double time_of(const Row& row, const spec::ProfileSpec& profile) {
  Matrix matrix{"product", row.m, row.n, row.k, row.groups};
  Operator op = forward_product(matrix, formats_of(spec::Precision::fp8_blockwise));
  op.id += ".decode";
  Block block{.operators = {op}};
  time_block(block, profile);
  return (block.time - profile.gpu.kernel_gap).in(seconds(1));  // Tables are of kernels alone.
}

/// |ours / published - 1| of each row, ascending.
std::vector<double> errors(const std::vector<Row>& rows, const spec::ProfileSpec& profile) {
  std::vector<double> errors;
  for (const Row& row : rows) {
    const double flop = 2.0 * static_cast<double>(std::max<std::int64_t>(1, row.groups) * row.m) *
                        static_cast<double>(row.n * row.k);
    const double published = flop / (row.teraflops * 1e12);
    errors.push_back(std::abs(time_of(row, profile) / published - 1));
  }
  std::sort(errors.begin(), errors.end());
  return errors;
}

// github deepseek-ai/DeepGEMM, README of March 2025, dense table, rows of 64 and 128. The worst is
// the product of the short k, whose result is most of its bytes.
TEST(DecodeCurves, OfDenseProductsAreDeepGemms) {
  const std::vector<Row> rows = {
      {0, 64, 2112, 7168, 206},   {0, 64, 24576, 1536, 289},  {0, 64, 32768, 512, 219},
      {0, 64, 7168, 16384, 336},  {0, 64, 4096, 7168, 287},   {0, 64, 7168, 2048, 295},
      {0, 128, 2112, 7168, 352},  {0, 128, 24576, 1536, 535}, {0, 128, 32768, 512, 358},
      {0, 128, 7168, 16384, 645}, {0, 128, 4096, 7168, 533},  {0, 128, 7168, 2048, 510}};
  const std::vector<double> off = errors(rows, profile("h800_published"));
  EXPECT_LT(off[off.size() / 2], 0.05);
  EXPECT_LT(off.back(), 0.27);
}

// The same, masked table of grouped products. SGLang's layers, which are faster, were taken into
// account as well.
TEST(DecodeCurves, OfMaskedProductsAreDeepGemms) {
  const std::vector<Row> rows = {{1, 1024, 4096, 7168, 1233}, {1, 1024, 7168, 2048, 925},
                                 {2, 512, 4096, 7168, 1040},  {2, 512, 7168, 2048, 916},
                                 {4, 256, 4096, 7168, 932},   {4, 256, 7168, 2048, 815}};
  const std::vector<double> off = errors(rows, profile("h800_published"));
  EXPECT_LT(off[off.size() / 2], 0.13);
  EXPECT_LT(off.back(), 0.17);
}

}  // namespace
}  // namespace planewise::workload
