#include "base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace planewise {
namespace {

TEST(Utf8Length, IsThatOfTheCharacter) {
  EXPECT_EQ(utf8_length("a", 0), 1U);
  EXPECT_EQ(utf8_length("\u00e9", 0), 2U);
  EXPECT_EQ(utf8_length("\u20ac", 0), 3U);
  EXPECT_EQ(utf8_length("\U0001F600", 0), 4U);
  EXPECT_EQ(utf8_length("a\u00e9", 1), 2U);
}

// The Unicode Standard, table 3-7, lists what is well formed; these are just outside of it.
TEST(Utf8Length, IsZeroForWhatIsNotUtf8) {
  for (const std::string text :
       {"", "\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xE2\x82", "\xE2\x28\xA1", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xF0\x9F\x98", "\xFF"}) {
    EXPECT_EQ(utf8_length(text, 0), 0U) << printable(text);
  }
  EXPECT_EQ(utf8_length("a", 1), 0U);
}

TEST(CharacterCount, CountsCharactersNotBytes) {
  EXPECT_EQ(character_count(""), 0U);
  EXPECT_EQ(character_count("na\u00efve \u20ac\U0001F600"), 8U);
  EXPECT_EQ(character_count("\xFF\xFE"), 2U);
}

TEST(Printable, LeavesTextAlone) {
  EXPECT_EQ(printable("radix: 64 # \u00fcber, 5 \u20ac"), "radix: 64 # \u00fcber, 5 \u20ac");
}

TEST(Printable, EscapesWhatSteersATerminal) {
  EXPECT_EQ(printable("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(printable("a\tb\nc\rd"), "a\\tb\\nc\\x0dd");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\u009b31m"), "\\x9b31m");  // CSI, as one character
  EXPECT_EQ(printable("\u202ereversed\u2066"), "\\u202ereversed\\u2066");
  EXPECT_EQ(printable("caf\xe9"), "caf\\xe9");
}

TEST(Printable, ChangesNothingTheSecondTime) {
  const std::string once = printable("\x1b\u202e\xff\n");
  EXPECT_EQ(printable(once), once);
}

TEST(InQuotes, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(in_quotes("64"), "'64'");
  EXPECT_EQ(in_quotes(std::string(60, 'x')), "'" + std::string(60, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(61, 'x')), "'" + std::string(60, 'x') + "...'");
  std::string umlauts;
  for (int i = 0; i < 61; ++i) umlauts += "\u00fc";
  EXPECT_EQ(in_quotes(umlauts), "'" + umlauts.substr(0, 120) + "...'");
  EXPECT_EQ(shortened("\x1b"), "\\x1b");
}

}  // namespace
}  // namespace planewise
