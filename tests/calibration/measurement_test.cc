// Names of measurements.
#include "calibration/measure/measurement.h"

#include <gtest/gtest.h>

namespace planewise::calibration {
namespace {

TEST(Key, NamesWhatIsNotAtItsDefault) {
  Measurement m{.id = "grouped_gemm.fp8",
                .kernel = Kernel::product,
                .precision = spec::Precision::fp8_blockwise,
                .shape = {.groups = 4, .m = 8192, .n = 4096, .k = 7168}};
  EXPECT_EQ(key_of(m),
            "grouped_gemm.fp8 product groups=4 m=8192 n=4096 k=7168 fp8_blockwise sustained");
  m.spread = RowSpread::zipf;
  m.layout = RowLayout::masked;
  m.sms = 112;
  m.beside = spec::Beside::communication;
  m.regime = Regime::cool;
  EXPECT_EQ(key_of(m),
            "grouped_gemm.fp8 product groups=4 m=8192 n=4096 k=7168 fp8_blockwise zipf masked "
            "sms=112 beside=communication cool");
  EXPECT_EQ(key_of({.id = "router", .kernel = Kernel::router, .rows = 4096, .width = 256}),
            "router router rows=4096 width=256 sustained");
}

}  // namespace
}  // namespace planewise::calibration
