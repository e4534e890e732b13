#include "spec/input_error.h"

#include <gtest/gtest.h>

#include <string>

#include "spec/mistakes.h"
#include "spec/yaml_document.h"

namespace planewise::spec {
namespace {

/// The origin of a file with this text.
Origin origin_of(const std::string& text) {
  Diagnostics ignored;
  return parse_document("file.yaml", text, ignored).origin;
}

TEST(Render, ShowsThePlaceTheLineAndTheHint) {
  const Origin origin = origin_of("a: 1\nlink:\n  rate: 400 GB\n");
  EXPECT_EQ(render(origin.diagnose_at({.line = 3, .column = 9}, "link.rate", "is a size",
                                      "write '400 Gb/s'")),
            "file.yaml:3:9: error: link.rate: is a size\n"
            "   3 |   rate: 400 GB\n"
            "     |         ^\n"
            "hint: write '400 Gb/s'\n");
}

TEST(Render, LeavesOutWhatThereIsNot) {
  EXPECT_EQ(render({.file = "x.yaml", .message = "no such file"}), "x.yaml: error: no such file\n");
  EXPECT_EQ(render(origin_of("a: 1\n").diagnose_at({.line = 7, .column = 1}, "", "ends too soon")),
            "file.yaml:7:1: error: ends too soon\n");
}

TEST(Render, KeepsTheCaretUnderThePlace) {
  // The tab becomes a blank and the umlauts, two bytes each, one column each.
  const Origin tab = origin_of("key:\tvalue\n");
  EXPECT_EQ(render(tab.diagnose_at({.line = 1, .column = 6}, "", "m")),
            "file.yaml:1:6: error: m\n   1 | key: value\n     |      ^\n");
  const Origin umlauts = origin_of("\u00fc\u00fc: {a: 1}\n");
  EXPECT_EQ(render(umlauts.diagnose_at({.line = 1, .column = 8}, "", "m")),
            "file.yaml:1:6: error: m\n   1 | \u00fc\u00fc: {a: 1}\n     |      ^\n");
  const Origin windows = origin_of("a: 1\r\nb: 2\r\n");
  EXPECT_EQ(render(windows.diagnose_at({.line = 2, .column = 4}, "", "m")),
            "file.yaml:2:4: error: m\n   2 | b: 2\n     |    ^\n");
  std::string many_lines(12'344, '\n');
  EXPECT_EQ(render(origin_of(many_lines + "a: 1\n").diagnose_at({12'345, 4}, "", "m")),
            "file.yaml:12345:4: error: m\n12345 | a: 1\n      |    ^\n");
}

TEST(Render, StaysWithinTheLine) {
  EXPECT_EQ(render(origin_of("a: 1\n").diagnose_at({.line = 1, .column = 9}, "", "m")),
            "file.yaml:1:5: error: m\n   1 | a: 1\n     |     ^\n");
}

TEST(Render, CutsALongLineAroundThePlace) {
  const Origin origin =
      origin_of("a: [" + std::string(500, 'x') + "!" + std::string(500, 'y') + "]");
  const std::string text = render(origin.diagnose_at({.line = 1, .column = 505}, "a", "m"));
  EXPECT_EQ(text, "file.yaml:1:505: error: a: m\n   1 | ..." + std::string(60, 'x') + "!" +
                      std::string(59, 'y') + "...\n     | " + std::string(63, ' ') + "^\n");
}

TEST(Render, CutsBetweenCharacters) {
  std::string euros;
  for (int i = 0; i < 200; ++i)
    euros += "\u20ac";  // 3 bytes each; 60 is a multiple of 3, 61 is not
  for (int shift = 0; shift < 3; ++shift) {
    const Origin origin = origin_of(std::string(static_cast<std::size_t>(shift), 'x') + euros);
    const Diagnostic d = origin.diagnose_at({.line = 1, .column = 301 + shift}, "", "m");
    EXPECT_EQ(d.at.column, 101 + shift);  // 300 bytes of euro signs before it
    EXPECT_EQ(render(d).find("\\x"), std::string::npos) << render(d);
  }
}

TEST(Render, PutsNothingOnTheTerminalThatSteersIt) {
  const Diagnostic d{.file = "\x1b[2Jx.yaml",
                     .at = {1, 1},
                     .key = "a\x07",
                     .message = "b\u202e",
                     .hint = "c\r",
                     .source_line = "d\u009b"};
  EXPECT_EQ(render(d),
            "\\x1b[2Jx.yaml:1:1: error: a\\x07: b\\u202e\n   1 | d\\x9b\n     | ^\nhint: c\\x0d\n");
}

TEST(Diagnostics, AreThrownByFileAndPlace) {
  Diagnostics diagnostics;
  EXPECT_NO_THROW(diagnostics.throw_if_any());
  diagnostics.add({.file = "b", .at = {2, 1}, .message = "fourth"});
  diagnostics.add({.file = "b", .at = {1, 9}, .message = "second"});
  diagnostics.add({.file = "a", .at = {1, 1}, .message = "fifth"});
  diagnostics.add({.file = "b", .at = {1, 9}, .message = "third"});
  diagnostics.add({.file = "b", .message = "first"});
  EXPECT_EQ(test::mistakes(diagnostics, "b"),
            (std::vector<std::string>{"first", "1:9: second", "1:9: third", "2:1: fourth",
                                      "a: 1:1: fifth"}));
  try {
    diagnostics.throw_if_any();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "b: error: first\n");
  }
}

TEST(Diagnostics, KeepOneOfTwoThatAreTheSame) {
  Diagnostics diagnostics;
  diagnostics.add({.file = "a", .at = {1, 1}, .key = "k", .message = "m"});
  diagnostics.add({.file = "a", .at = {1, 1}, .key = "k", .message = "m"});
  diagnostics.add({.file = "a", .at = {1, 1}, .key = "l", .message = "m"});
  diagnostics.add({.file = "a", .at = {1, 2}, .key = "k", .message = "m"});
  EXPECT_EQ(diagnostics.list().size(), 3U);
}

TEST(Diagnostics, KeepAHundredAndSaySo) {
  Diagnostics diagnostics;
  Diagnostics others;
  const auto mistake = [](int i) { return Diagnostic{.file = "a", .at = {i, 1}, .message = "m"}; };
  for (int i = 1; i <= 100; ++i) others.add(mistake(i));
  diagnostics.add(others);
  EXPECT_EQ(test::mistakes(diagnostics, "a").size(), 100U);
  others.add(mistake(101));
  diagnostics.add(others);
  const auto texts = test::mistakes(diagnostics, "a");
  ASSERT_EQ(texts.size(), 101U);
  EXPECT_EQ(texts.back(), "and more; the first 100 are shown");
}

TEST(Origin, FindsTheNearestEnclosingKey) {
  Origin origin = origin_of("p:\n  e: 64\nlist: [1]\n");
  origin.positions = {{"p", {1, 1}}, {"p.e", {2, 6}}, {"list", {3, 7}}};
  EXPECT_EQ(test::in_short(origin.diagnose("p.e", "m")), "2:6: p.e: m");
  EXPECT_EQ(test::in_short(origin.diagnose("p.x.y", "m")), "1:1: p.x.y: m");
  EXPECT_EQ(test::in_short(origin.diagnose("list[4]", "m")), "3:7: list[4]: m");
  EXPECT_EQ(test::in_short(origin.diagnose("q", "m")), "q: m");
}

TEST(Origin, GivesLinesWithoutTheirEnds) {
  const Origin origin = origin_of("a: 1\r\nb: 2\nc: 3");
  EXPECT_EQ(origin.line(1), "a: 1");
  EXPECT_EQ(origin.line(2), "b: 2");
  EXPECT_EQ(origin.line(3), "c: 3");
  EXPECT_EQ(origin.line(4), "");
  EXPECT_EQ(origin.line(0), "");
  EXPECT_EQ(origin.line(-1), "");
  EXPECT_EQ(origin_of("a: 1\n").line(2), "");
  EXPECT_EQ(Origin{}.line(1), "");
}

}  // namespace
}  // namespace planewise::spec
