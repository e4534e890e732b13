#include "fabric/finite_field.h"

#include <gtest/gtest.h>

#include <set>

namespace planewise::fabric {
namespace {

class Field : public testing::TestWithParam<std::int64_t> {};

TEST_P(Field, ObeysTheLawsOfAField) {
  const std::int64_t q = GetParam();
  const FiniteField field(q);
  for (std::int64_t a = 0; a < q; ++a) {
    ASSERT_EQ(field.add(a, 0), a);
    ASSERT_EQ(field.multiply(a, 1), a);
    ASSERT_EQ(field.multiply(a, 0), 0);
    std::set<std::int64_t> sums;
    std::set<std::int64_t> products;
    for (std::int64_t b = 0; b < q; ++b) {
      ASSERT_EQ(field.add(a, b), field.add(b, a));
      ASSERT_EQ(field.multiply(a, b), field.multiply(b, a));
      ASSERT_EQ(field.subtract(field.add(a, b), b), a);
      sums.insert(field.add(a, b));
      products.insert(field.multiply(a, b));
      const std::int64_t c = (a + 3 * b + 1) % q;
      ASSERT_EQ(field.multiply(c, field.add(a, b)),
                field.add(field.multiply(c, a), field.multiply(c, b)));
      ASSERT_EQ(field.multiply(c, field.multiply(a, b)), field.multiply(field.multiply(c, a), b));
    }
    // Adding, and multiplying by what is not 0, can be undone.
    ASSERT_EQ(sums.size(), static_cast<std::size_t>(q));
    ASSERT_EQ(products.size(), static_cast<std::size_t>(a == 0 ? 1 : q));
  }
}

TEST_P(Field, PowersOfThePrimitiveElementAreAllElementsButZero) {
  const FiniteField field(GetParam());
  std::set<std::int64_t> powers;
  for (std::int64_t exponent = 0; exponent < GetParam() - 1; ++exponent) {
    powers.insert(field.power(exponent));
    ASSERT_EQ(field.power(exponent + 1), field.multiply(field.power(exponent), field.power(1)));
  }
  EXPECT_EQ(powers.size(), static_cast<std::size_t>(GetParam() - 1));
  EXPECT_FALSE(powers.contains(0));
}

INSTANTIATE_TEST_SUITE_P(Sizes, Field,
                         testing::Values(2, 3, 4, 5, 7, 8, 9, 11, 13, 16, 25, 27, 32, 49, 64, 81));

}  // namespace
}  // namespace planewise::fabric
