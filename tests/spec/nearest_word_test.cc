#include "spec/nearest_word.h"

#include <gtest/gtest.h>

namespace planewise::spec {
namespace {

TEST(NearestWord, FindsASlip) {
  const WordSet known = {"radix", "layers", "routing", "link_rate"};
  EXPECT_EQ(nearest_word("raddix", known), "radix");          // one letter too many
  EXPECT_EQ(nearest_word("radx", known), "radix");            // one too few
  EXPECT_EQ(nearest_word("redix", known), "radix");           // another one
  EXPECT_EQ(nearest_word("rdaix", known), "radix");           // two swapped: one edit
  EXPECT_EQ(nearest_word("link-rates", known), "link_rate");  // two edits
}

TEST(NearestWord, DoesNotGuessWildly) {
  const WordSet known = {"radix", "k", "m"};
  EXPECT_EQ(nearest_word("raaddixx", known), std::nullopt);  // three edits
  EXPECT_EQ(nearest_word("n", known), std::nullopt);         // all of a word changed
  EXPECT_EQ(nearest_word("", known), std::nullopt);
  EXPECT_EQ(nearest_word("radix", {}), std::nullopt);
  EXPECT_EQ(nearest_word(std::string(1'000'000, 'r'), known), std::nullopt);
}

TEST(NearestWord, PrefersTheNearestAndThenTheFirst) {
  EXPECT_EQ(nearest_word("grops", {"groups", "crops"}), "crops");  // both one edit away
  EXPECT_EQ(nearest_word("group", {"groups", "gruop"}), "groups");
  EXPECT_EQ(nearest_word("groupz", {"grouped", "groups"}), "groups");
}

}  // namespace
}  // namespace planewise::spec
