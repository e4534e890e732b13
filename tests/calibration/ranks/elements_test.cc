// Sums of element types, which checks of collectives rest on.
#include "calibration/comm/elements.h"

#include <gtest/gtest.h>

#include <cstring>

namespace planewise::calibration {
namespace {

std::uint64_t bits_of(int value, const std::string& type) {
  const ElementType element = element_of(type).value();
  std::byte bytes[8] = {};
  store_element(bytes, value, element);
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes, element_size(element));
  return bits;
}

TEST(Elements, AreStoredAsTheirFormatsSay) {
  // IEEE 754: sign, exponent with bias 15 (half, e5m2) or 127, mantissa. 3 is 1.5 x 2^1.
  EXPECT_EQ(bits_of(0, "half"), 0U);
  EXPECT_EQ(bits_of(1, "half"), 0x3c00U);
  EXPECT_EQ(bits_of(3, "half"), 0x4200U);
  EXPECT_EQ(bits_of(3, "f8e5m2"), 0x42U);
  EXPECT_EQ(bits_of(3, "bfloat16"), 0x4040U);
  EXPECT_EQ(bits_of(3, "f8e4m3"), 0x44U);  // bias 7: exponent 8, mantissa 100
  EXPECT_EQ(bits_of(-2, "half"), 0xc000U);
  EXPECT_EQ(bits_of(3, "int32"), 3U);
}

TEST(Elements, SumExactlyWhatTheyHold) {
  for (const std::string& word : element_words()) {
    const ElementType type = element_of(word).value();
    for (int a = 0; a <= 4; ++a) {
      for (int b = 0; a + b <= 8; ++b) {
        std::byte sum[8] = {};
        std::byte more[8] = {};
        std::byte expected[8] = {};
        store_element(sum, a, type);
        store_element(more, b, type);
        store_element(expected, a + b, type);
        add_elements(sum, more, 1, type);
        EXPECT_EQ(std::memcmp(sum, expected, sizeof sum), 0) << word << " " << a << " + " << b;
      }
    }
  }
}

TEST(Elements, RoundHalvesToEven) {
  // 2048 + 1 lies between 2048 and 2050: to the even mantissa, 2048. 2048 + 3 to 2052.
  const ElementType half = ElementType::half;
  for (const auto& [more, expected] : {std::pair{1, 2048}, std::pair{3, 2052}}) {
    std::byte sum[2];
    std::byte other[2];
    std::byte result[2];
    store_element(sum, 2048, half);
    store_element(other, more, half);
    store_element(result, expected, half);
    add_elements(sum, other, 1, half);
    EXPECT_EQ(std::memcmp(sum, result, 2), 0) << more;
  }
}

TEST(Elements, KnowNoOtherWord) { EXPECT_FALSE(element_of("fp16").has_value()); }

}  // namespace
}  // namespace planewise::calibration
