// One JSON line: what is taken, and that every mistake says where it is.
#include "calibration/raw/json_line.h"

#include <gtest/gtest.h>

#include <functional>

namespace planewise::calibration {
namespace {

using Read = std::function<void(JsonFields&)>;

spec::Origin origin_of(const std::string& line) {
  return {.path = "raw.jsonl", .text = "{}\n" + line, .line_starts = {0, 3}};
}

/// `2:13: key: message`, one a line, of reading `line` as the second one of a file.
std::string mistakes(const std::string& line, const Read& read) {
  const spec::Origin origin = origin_of(line);
  spec::Diagnostics diagnostics;
  if (auto fields = read_json_line(origin, 2, diagnostics)) {
    read(*fields);
    fields->finish();
    EXPECT_EQ(fields->is_well(), diagnostics.empty());
  }
  std::string all;
  for (const spec::Diagnostic& d : diagnostics.list()) {
    all += std::to_string(d.at.line) + ":" + std::to_string(d.at.column) + ": " +
           (d.key.empty() ? "" : d.key + ": ") + d.message + "\n";
  }
  return all;
}

const Read kNothing = [](JsonFields&) {};

TEST(JsonLine, ReadsEveryKindOfField) {
  const std::string line =
      R"({"a": "text", "b": 2.5, "c": 4096.0, "d": [1, 2.5], "e": ["x", "y"], "f": {"k": "v"}, )"
      R"("g": {"h": 7}, "i": [{"j": 1}, {"j": 2}], "l": "cool", "m": true, "n": 9007199254740993})";
  const std::string found = mistakes(line, [](JsonFields& fields) {
    EXPECT_EQ(fields.text("a"), "text");
    EXPECT_EQ(fields.number("b"), 2.5);
    EXPECT_EQ(fields.integer("c"), 4096);
    EXPECT_EQ(fields.positives("d"), (std::vector<double>{1, 2.5}));
    EXPECT_EQ(fields.texts("e"), (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(fields.texts_by_key("f").at("k"), "v");
    EXPECT_EQ(fields.map("g").integer("h"), 7);
    std::vector<JsonFields> list = fields.maps("i");
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].integer("j"), 1);
    EXPECT_EQ(list[1].integer("j"), 2);
    EXPECT_EQ(fields.choice("l", {"sustained", "cool"}), 1U);
    EXPECT_TRUE(fields.boolean("m"));
    EXPECT_EQ(fields.integer("n"), 9007199254740993);  // 2^53 + 1, which no double holds
    EXPECT_EQ(fields.optional_text("none"), "");
    EXPECT_EQ(fields.optional_integer("none", {}, 5), 5);
    EXPECT_EQ(fields.optional_number("none", {}, 0.5), 0.5);
  });
  EXPECT_EQ(found, "");
}

TEST(JsonLine, NamesUnknownAndMissingKeys) {
  const Read read = [](JsonFields& fields) {
    fields.positives("times_us");
    for (JsonFields& check : fields.maps("checks")) check.number("limit");
  };
  // The misspelt key is one mistake, not two. Columns are those of the values.
  EXPECT_EQ(mistakes(R"({"time_us": [1], "checks": [{"limit": 1, "lim": 2}]})", read),
            "2:13: time_us: unknown key; did you mean 'times_us'?\n"
            "2:49: checks[0].lim: unknown key\n");
  EXPECT_EQ(mistakes(R"({"times_us": [1], "checks": [{}]})", read),
            "2:19: checks[0].limit: missing key\n");
}

TEST(JsonLine, RefusesWhatIsNoNumberInATime) {
  const Read read = [](JsonFields& fields) { fields.positives("times_us"); };
  EXPECT_EQ(mistakes(R"({"times_us": [1, null]})", read),
            "2:14: times_us[1]: null is not a number\n");
  EXPECT_EQ(mistakes(R"({"times_us": ["nan", 2]})", read),
            "2:14: times_us[0]: 'nan' is not a number\n");
  EXPECT_EQ(mistakes(R"({"times_us": [1, NaN]})", read), "2:18: NaN is not a number\n");
  EXPECT_EQ(mistakes(R"({"times_us": [-Infinity]})", read), "2:15: -Infinity is not a number\n");
  EXPECT_EQ(mistakes(R"({"times_us": [1e999]})", read),
            "2:19: a number is too large for a double\n");
  EXPECT_EQ(mistakes(R"({"times_us": [3, 0]})", read),
            "2:14: times_us[1]: 0 must be more than 0\n");
  EXPECT_EQ(mistakes(R"({"times_us": [-2]})", read), "2:14: times_us[0]: -2 must be more than 0\n");
  EXPECT_EQ(mistakes(R"({"times_us": []})", read), "2:14: times_us: is an empty list\n");
  EXPECT_EQ(mistakes(R"({"times_us": 5})", read), "2:14: times_us: 5 is not a list of numbers\n");
}

TEST(JsonLine, RefusesWhatIsNotJson) {
  EXPECT_EQ(mistakes(R"({"a": 1, "b": 2, "a": 3})", kNothing), "2:18: key 'a' twice in one map\n");
  EXPECT_EQ(mistakes("[1]", kNothing), "2:1: a list is not a record\n");
  EXPECT_EQ(mistakes("planewise_calibration: 1", kNothing).substr(0, 17), "2:1: is not JSON:");
  EXPECT_EQ(mistakes(R"({"a": 1)", kNothing), "2:8: is not JSON: unexpected end of input\n");
  EXPECT_EQ(mistakes(std::string(100'000, '['), kNothing),
            "2:1: more than 16 maps and lists within each other\n");
}

TEST(JsonLine, ChecksKindsRangesAndWords) {
  const Read read = [](JsonFields& fields) {
    fields.text("a");
    fields.small_integer("b", {.min = 1, .max = 9});
    fields.choice("c", {"alone", "communication"});
  };
  EXPECT_EQ(mistakes(R"({"a": 1, "b": 10, "c": "comunication"})", read),
            "2:7: a: 1 is not a text\n2:15: b: 10 is too large; the most is 9\n"
            "2:24: c: unknown value 'comunication'; did you mean 'communication'?\n");
  EXPECT_EQ(mistakes(R"({"a": "", "b": 1.5, "c": null})", read),
            "2:7: a: is empty\n2:16: b: 1.5 is not a whole number\n2:26: c: null is not a text\n");
  EXPECT_EQ(mistakes(R"({"a": "two\nlines", "b": 1, "c": "alone"})", read),
            "2:7: a: 'two\\nlines' has a line break or another control character\n");
}

TEST(JsonLine, ShowsThePlaceInALongLine) {
  const std::string line =
      R"({"times_us": [)" + std::string(100'000, '1') + R"(.0], "status": "okay"})";
  const spec::Origin origin = origin_of(line);
  spec::Diagnostics diagnostics;
  auto fields = read_json_line(origin, 2, diagnostics);
  if (fields) fields->choice("status", {"ok", "failed"});
  ASSERT_EQ(diagnostics.list().size(), 1U);
  // A number of 100,000 digits is none that a double holds; the excerpt is short all the same.
  EXPECT_LT(diagnostics.list()[0].source_line.size(), 200U);
}

}  // namespace
}  // namespace planewise::calibration
