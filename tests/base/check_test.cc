#include "base/check.h"

#include <gtest/gtest.h>

namespace planewise {
namespace {

TEST(CheckDeathTest, NamesTheBrokenPromise) {
  const int ports = 3;
  EXPECT_DEATH(PW_CHECK(ports % 2 == 0), "check_test.cc:[0-9]+: bug: check failed: ports % 2 == 0");
  EXPECT_DEATH(PW_UNREACHABLE("three layers"), "bug: unreachable: three layers");
}

TEST(Check, IsSilentAboutAKeptOne) { PW_CHECK(1 + 1 == 2); }

}  // namespace
}  // namespace planewise
