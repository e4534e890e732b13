#include "spec/yaml_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "spec/mistakes.h"
#include "spec/temporary_folder.h"

namespace planewise::spec {
namespace {

using Texts = std::vector<std::string>;

/// Reads `text` with `read`, and returns the mistakes.
Texts read(const std::string& text, const std::function<void(MapReader&)>& read,
           const std::string& path = "file.yaml") {
  Diagnostics diagnostics;
  Reading reading(parse_document(path, text, diagnostics), diagnostics);
  MapReader root(reading);
  read(root);
  reading.finish();
  return test::mistakes(diagnostics, path);
}

/// The mistakes of `text` read as the one key `k` by `get`, and the hint of the first.
struct Refusal {
  Texts mistakes;
  std::string hint;
};
Refusal refusal(const std::string& text, const std::function<void(MapReader&)>& get) {
  Diagnostics diagnostics;
  Reading reading(parse_document("f", text, diagnostics), diagnostics);
  MapReader root(reading);
  get(root);
  reading.finish();
  return {.mistakes = test::mistakes(diagnostics, "f"),
          .hint = diagnostics.empty() ? "" : diagnostics.list().front().hint};
}

TEST(MapReader, ReadsEachKindOfValue) {
  const test::TemporaryFolder folder;
  folder.write("other.yaml", "x");
  enum class Colour { red, green };
  const std::string text =
      "integer: -64\nsmall: 7\nnumber: 1.5\npercent: 80 %\nyes: true\nno: false\n"
      "text: two words\nquoted: \"400 Gb/s\"\nfolded: >-\n  one\n  line\nfile: other.yaml\n"
      "integers: [4, 0, 1]\ntexts: [a, \"b c\"]\nrate: 400 Gb/s\nnothing: 0 W\ncolour: green\n"
      "lengths: [0.5 m, 2 m]\nmap: {deep: 1}\nmaps: [{a: 1}, {a: 2}]\nempty: []\n";
  const Texts none = read(
      text,
      [&](MapReader& root) {
        EXPECT_TRUE(root.is_map());
        EXPECT_EQ(root.integer("integer"), -64);
        EXPECT_EQ(root.small_integer("small", {.min = 7, .max = 7}), 7);
        EXPECT_EQ(root.number("number"), 1.5);
        EXPECT_EQ(root.number("percent", {.min = 0, .max = 1}), 0.8);
        EXPECT_TRUE(root.boolean("yes"));
        EXPECT_FALSE(root.boolean("no"));
        EXPECT_EQ(root.text("text"), "two words");
        EXPECT_EQ(root.quantity<Rate>("quoted"), gigabits_per_second(400));
        EXPECT_EQ(root.text("folded"), "one line");
        EXPECT_EQ(root.file("file"), folder.path("other.yaml"));
        EXPECT_EQ(root.integers("integers"), (std::vector<std::int64_t>{4, 0, 1}));
        EXPECT_EQ(root.texts("texts"), (Texts{"a", "b c"}));
        EXPECT_EQ(root.quantity<Rate>("rate"), gigabits_per_second(400));
        EXPECT_EQ(root.quantity<Watts>("nothing", Sign::not_negative), watts(0));
        EXPECT_EQ(root.quantities<Metres>("lengths"),
                  (std::vector<Metres>{metres(0.5), metres(2)}));
        EXPECT_EQ(root.choice<Colour>("colour", {{"red", Colour::red}, {"green", Colour::green}}),
                  Colour::green);
        EXPECT_EQ(root.map("map").integer("deep"), 1);
        std::int64_t sum = 0;
        for (MapReader map : root.maps("maps")) sum += map.integer("a");
        EXPECT_EQ(sum, 3);
        EXPECT_TRUE(root.maps("empty").empty());
        EXPECT_TRUE(root.has("text"));
        EXPECT_FALSE(root.has("other"));
      },
      folder.path("file.yaml"));
  EXPECT_EQ(none, Texts{});
}

TEST(MapReader, TellsEachItemOfAListOfQuantities) {
  const auto get = [](MapReader& root) { root.quantities<Metres>("k"); };
  EXPECT_EQ(
      refusal("k: [1 m, 2, 3 W, -1 m, [5 m], 6 m]\n", get).mistakes,
      (Texts{"1:10: k[1]: '2' has no unit", "1:13: k[2]: '3 W' is a power, not a length",
             "1:18: k[3]: '-1 m' must be more than 0", "1:24: k[4]: is a list, not a length"}));
  const Refusal one = refusal("k: 1 m\n", get);
  EXPECT_EQ(one.mistakes, (Texts{"1:4: k: '1 m' is not a list of quantities"}));
  EXPECT_EQ(one.hint, "write [...] around '2 m'");
}

TEST(MapReader, RefusesWhatIsNoWholeNumber) {
  const auto get = [](MapReader& root) { EXPECT_EQ(root.integer("k", {.min = 2, .max = 64}), 2); };
  struct Case {
    std::string text, message, hint;
  };
  for (const Case& c : {
           Case{"010", "'010' is not a whole number",
                "drop the leading zero: some readers take 010 for 8"},
           Case{"1e1", "'1e1' is not a whole number", "write 10"},
           Case{"8.0", "'8.0' is not a whole number", "write 8"},
           Case{"1.5", "'1.5' is not a whole number", ""},
           Case{"1_000", "'1_000' is not a whole number", "write 1000"},
           Case{"2,048", "'2,048' is not a whole number", "write 2048"},
           Case{"0x40", "'0x40' is not a whole number", "write 64"},
           Case{"0xfg", "'0xfg' is not a whole number", ""},
           Case{"+8", "'+8' is not a whole number", ""},
           Case{"64 ports", "'64 ports' is not a whole number", ""},
           Case{".nan", "'.nan' is not a whole number", ""},
           Case{"true", "'true' is not a whole number", ""},
           Case{"\"64\"", "is a text in quotes, not a whole number", "leave out the quotes"},
           Case{"\"x\"", "'x' is not a whole number", ""},
           Case{"[64]", "is a list, not a whole number", ""},
           Case{"{a: 64}", "is a map, not a whole number", ""},
           Case{"", "is empty, not a whole number", ""},
           Case{"1", "1 is too small; the least is 2", ""},
           Case{"-3", "-3 is too small; the least is 2", ""},
           Case{"65", "65 is too large; the most is 64", ""},
           Case{"99999999999999999999", "99999999999999999999 is too large; the most is 64", ""},
           Case{"-99999999999999999999", "-99999999999999999999 is too small; the least is 2", ""},
       }) {
    const Refusal refused = refusal("k: " + c.text + "\n", get);
    ASSERT_EQ(refused.mistakes.size(), 1U) << c.text;
    EXPECT_EQ(refused.mistakes[0].substr(8), c.message);  // after `1:4: k: `
    EXPECT_EQ(refused.hint, c.hint) << c.text;
  }
}

TEST(MapReader, SmallIntegersFitIntoAnInt) {
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  EXPECT_EQ(read("k: 2147483648\n", [](MapReader& root) { root.small_integer("k"); }),
            (Texts{"1:4: k: 2147483648 is too large; the most is " + std::to_string(kMost)}));
  EXPECT_EQ(read("k: 9223372036854775807\n",
                 [](MapReader& root) {
                   EXPECT_EQ(root.integer("k"), std::numeric_limits<std::int64_t>::max());
                 }),
            Texts{});
}

TEST(MapReader, RefusesWhatIsNoPlainNumber) {
  const auto get = [](MapReader& root) { EXPECT_EQ(root.number("k", {.min = 1, .max = 64}), 1); };
  struct Case {
    std::string text, message;
  };
  for (const Case& c :
       {Case{"5 GB", "'5 GB' is not a plain number"}, Case{"010", "'010' is not a plain number"},
        Case{".nan", "'.nan' is not a plain number"},
        Case{"1e400", "'1e400' is not a plain number"},
        Case{"\"2\"", "is a text in quotes, not a plain number"},
        Case{"[2]", "is a list, not a plain number"},
        Case{"0.5", "0.5 is out of range; it must be from 1 to 64"},
        Case{"6500 %", "6500 % is out of range; it must be from 1 to 64"}}) {
    EXPECT_EQ(refusal("k: " + c.text + "\n", get).mistakes, (Texts{"1:4: k: " + c.message}));
  }
}

TEST(MapReader, RefusesWhatIsNeitherTrueNorFalse) {
  for (const std::string text : {"yes", "True", "1", "on"}) {
    EXPECT_EQ(read("k: " + text + "\n", [](MapReader& root) { EXPECT_FALSE(root.boolean("k")); }),
              (Texts{"1:4: k: '" + text + "' is not true or false"}));
  }
  EXPECT_EQ(read("k: \"true\"\n", [](MapReader& root) { root.boolean("k"); }),
            (Texts{"1:4: k: is a text in quotes, not true or false"}));
}

TEST(MapReader, RefusesTextThatWouldSpoilAReport) {
  const auto get = [](MapReader& root) { EXPECT_EQ(root.text("k"), ""); };
  EXPECT_EQ(refusal("k: \"\"\n", get).mistakes, (Texts{"1:4: k: is empty"}));
  EXPECT_EQ(refusal("k: \"  \"\n", get).mistakes, (Texts{"1:4: k: is empty"}));
  EXPECT_EQ(refusal("k:\n", get).mistakes, (Texts{"1:1: k: is empty, not a text"}));
  EXPECT_EQ(refusal("k: [a]\n", get).mistakes, (Texts{"1:4: k: is a list, not a text"}));
  EXPECT_EQ(refusal("k: |\n  a\n  b\n", get).mistakes,
            (Texts{"1:4: k: 'a\\nb\\n' has a line break or another control character"}));
  EXPECT_EQ(refusal("k: \"\\e[31m\"\n", get).mistakes,
            (Texts{"1:4: k: '\\x1b[31m' has a line break or another control character"}));
  EXPECT_EQ(refusal("k: \"\\N\"\n", get).mistakes,  // U+0085, next line
            (Texts{"1:4: k: '\\x85' has a line break or another control character"}));
}

TEST(MapReader, RefusesFilesThatAreNotThere) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder.path("sub"));
  folder.write("sub/there.yaml", "x");
  const auto of = [&](const std::string& name) {
    return read(
        "k: " + name + "\n", [](MapReader& root) { EXPECT_EQ(root.file("k"), ""); },
        folder.path("file.yaml"));
  };
  EXPECT_EQ(of("gone.yaml"), (Texts{"1:4: k: no such file: '" + folder.path("gone.yaml") + "'"}));
  EXPECT_EQ(of("sub/../gone.yaml"),
            (Texts{"1:4: k: no such file: '" + folder.path("gone.yaml") + "'"}));
  EXPECT_EQ(of("sub"), (Texts{"1:4: k: '" + folder.path("sub") + "' is a folder, not a file"}));
  EXPECT_EQ(of("/dev/null"), (Texts{"1:4: k: no such file: '/dev/null'"}));
  EXPECT_EQ(of("\"\""), (Texts{"1:4: k: is empty"}));
  // What follows the zero would be lost on the way to the system.
  EXPECT_EQ(
      of("\"sub/there.yaml\\0x\""),
      (Texts{"1:4: k: 'sub/there.yaml\\x00x' has a line break or another control character"}));
  EXPECT_EQ(read(
                "k: ../there.yaml\n",
                [&](MapReader& root) { EXPECT_EQ(root.file("k"), folder.path("sub/there.yaml")); },
                folder.path("sub/deep/../other/file.yaml")),
            Texts{});
}

TEST(MapReader, NamesTheItemOfAList) {
  EXPECT_EQ(
      read("k: [1, x, 3, [4], 010]\n",
           [](MapReader& root) {
             EXPECT_EQ(root.integers("k", {.min = 0}), (std::vector<std::int64_t>{1, 1, 3, 1, 1}));
             EXPECT_FALSE(root.read_well({"k"}));
           }),
      (Texts{"1:8: k[1]: 'x' is not a whole number", "1:14: k[3]: is a list, not a whole number",
             "1:19: k[4]: '010' is not a whole number"}));
  EXPECT_EQ(read("k: [a, {b: 1}, \"\"]\n", [](MapReader& root) { root.texts("k"); }),
            (Texts{"1:8: k[1]: is a map, not a text", "1:16: k[2]: is empty"}));
  EXPECT_EQ(read("k: [{}, 5]\n", [](MapReader& root) { EXPECT_EQ(root.maps("k").size(), 1U); }),
            (Texts{"1:9: k[1]: '5' is not a map of keys and values"}));
}

TEST(MapReader, RefusesListsAndMapsOfTheWrongKind) {
  EXPECT_EQ(read("k: 5\n", [](MapReader& root) { EXPECT_TRUE(root.integers("k").empty()); }),
            (Texts{"1:4: k: '5' is not a list of whole numbers"}));
  EXPECT_EQ(read("k: {}\n", [](MapReader& root) { EXPECT_TRUE(root.texts("k").empty()); }),
            (Texts{"1:4: k: is a map, not a list of texts"}));
  EXPECT_EQ(read("k: x\n", [](MapReader& root) { EXPECT_TRUE(root.maps("k").empty()); }),
            (Texts{"1:4: k: 'x' is not a list of maps"}));
  EXPECT_EQ(read("k: [1]\n", [](MapReader& root) { EXPECT_FALSE(root.map("k").is_map()); }),
            (Texts{"1:4: k: is a list, not a map of keys and values"}));
  EXPECT_EQ(read("[1]\n", [](MapReader& root) { EXPECT_FALSE(root.is_map()); }),
            (Texts{"1:1: the file is a list, not a map of keys and values"}));
}

TEST(MapReader, RefusesQuantitiesOfTheWrongKindOrSize) {
  const auto rate = [](MapReader& root) { EXPECT_EQ(root.quantity<Rate>("k").base(), 1e3); };
  EXPECT_EQ(refusal("k: 400 GB\n", rate).mistakes,
            (Texts{"1:4: k: '400 GB' is a size, not a rate"}));
  EXPECT_EQ(refusal("k: 400 GB\n", rate).hint, "write '400 Gb/s' (bits) or '50 GB/s' (bytes)");
  EXPECT_EQ(refusal("k: 400\n", rate).mistakes, (Texts{"1:4: k: '400' has no unit"}));
  EXPECT_EQ(refusal("k: [400 Gb/s]\n", rate).mistakes, (Texts{"1:4: k: is a list, not a rate"}));
  EXPECT_EQ(refusal("k: 0 Gb/s\n", rate).mistakes, (Texts{"1:4: k: '0 Gb/s' must be more than 0"}));
  EXPECT_EQ(refusal("k: -1 Gb/s\n", rate).mistakes,
            (Texts{"1:4: k: '-1 Gb/s' must be more than 0"}));
  EXPECT_EQ(refusal("k: 1 b/s\n", rate).mistakes,
            (Texts{"1:4: k: '1 b/s' is out of range; a rate may be from 1 kB/s to 10000 TB/s"}));
  EXPECT_EQ(
      refusal("k: 1e200 TB/s\n", rate).mistakes,
      (Texts{"1:4: k: '1e200 TB/s' is out of range; a rate may be from 1 kB/s to 10000 TB/s"}));
  const auto price = [](MapReader& root) {
    EXPECT_EQ(root.quantity<Usd>("k", Sign::not_negative), usd(1));
  };
  EXPECT_EQ(refusal("k: -1 USD\n", price).mistakes, (Texts{"1:4: k: '-1 USD' must be 0 or more"}));
  EXPECT_EQ(refusal("k: 1e13 USD\n", price).mistakes.size(), 1U);
}

// The words of a range are text; this holds them to the numbers.
TEST(MapReader, TakesTheEndsOfEachRange) {
  const auto taken = [](const std::string& text, const std::function<void(MapReader&)>& get) {
    EXPECT_EQ(refusal("k: " + text + "\n", get).mistakes, Texts{}) << text;
  };
  for (const char* text : {"1 b", "1000000 TB"}) {
    taken(text, [](MapReader& root) { root.quantity<Bytes>("k"); });
  }
  for (const char* text : {"1 kB/s", "10000 TB/s"}) {
    taken(text, [](MapReader& root) { root.quantity<Rate>("k"); });
  }
  for (const char* text : {"0.001 ns", "1000000 h"}) {
    taken(text, [](MapReader& root) { root.quantity<Seconds>("k"); });
  }
  for (const char* text : {"0.000001 USD", "1000000000000 USD"}) {
    taken(text, [](MapReader& root) { root.quantity<Usd>("k"); });
  }
  for (const char* text : {"0.000001 W", "1000000000000 W"}) {
    taken(text, [](MapReader& root) { root.quantity<Watts>("k"); });
  }
  for (const char* text : {"0.000001 m", "1000000000 m"}) {
    taken(text, [](MapReader& root) { root.quantity<Metres>("k"); });
  }
  for (const char* text : {"0.000001 TFLOPS", "1000000000000 TFLOPS"}) {
    taken(text, [](MapReader& root) { root.quantity<FlopRate>("k"); });
  }
}

TEST(MapReader, RefusesWordsThatAreNoChoice) {
  enum class Family { fat_tree, mpft, mrft };
  const auto get = [](MapReader& root) {
    root.choice<Family>(
        "k", {{"fat_tree", Family::fat_tree}, {"mpft", Family::mpft}, {"mrft", Family::mrft}});
  };
  EXPECT_EQ(refusal("k: fattree\n", get).mistakes,
            (Texts{"1:4: k: unknown value 'fattree'; did you mean 'fat_tree'?"}));
  EXPECT_EQ(refusal("k: fattree\n", get).hint, "write 'fat_tree', 'mpft' or 'mrft'");
  EXPECT_EQ(refusal("k: dragonfly\n", get).mistakes, (Texts{"1:4: k: unknown value 'dragonfly'"}));
  EXPECT_EQ(refusal("k: [mpft]\n", get).mistakes,
            (Texts{"1:4: k: is a list, not 'fat_tree', 'mpft' or 'mrft'"}));
}

TEST(Reading, ReportsUnknownKeysWithTheNearestThatIsAbsent) {
  const auto get = [](MapReader& root) {
    root.has("source");
    MapReader map = root.map("map");
    map.integer("radix");
    map.has("planes");
  };
  EXPECT_EQ(read("map: {radix: 1, plains: 2}\nsorce: x\nother: 1\n", get),
            (Texts{"1:17: map.plains: unknown key; did you mean 'planes'?",
                   "2:1: sorce: unknown key; did you mean 'source'?", "3:1: other: unknown key"}));
  // `radix` is there, so `raddix` is not a misspelt one.
  EXPECT_EQ(read("map: {radix: 1, raddix: 2}\n", get), (Texts{"1:17: map.raddix: unknown key"}));
}

TEST(Reading, TakesAMisspeltKeyForOneMistake) {
  EXPECT_EQ(read("a: 1\nraddix: 64\n",
                 [](MapReader& root) {
                   root.integer("a");
                   root.integer("radix");
                   root.integer("layers");
                 }),
            (Texts{"1:1: layers: missing key", "2:1: raddix: unknown key; did you mean 'radix'?"}));
}

TEST(Reading, ReportsAMissingKeyAtTheMapThatLacksIt) {
  EXPECT_EQ(read("a: 1\nmap:\n  b: 1\nlist:\n  - c: 1\n",
                 [](MapReader& root) {
                   root.integer("a");
                   MapReader map = root.map("map");
                   map.integer("b");
                   map.integer("d");
                   for (MapReader item : root.maps("list")) item.text("e");
                   root.map("gone").integer("in_vain");
                 }),
            (Texts{"1:1: gone: missing key", "2:1: map.d: missing key",
                   "5:5: list[0].c: unknown key", "5:5: list[0].e: missing key"}));
}

TEST(MapReader, KnowsWhatWasReadWell) {
  read("a: 1\nb: x\nm: {c: 1}\n", [](MapReader& root) {
    root.integer("a");
    root.integer("b");
    root.integer("gone");
    root.has("optional");
    EXPECT_TRUE(root.read_well({"a", "optional"}));
    EXPECT_FALSE(root.read_well({"a", "b"}));
    EXPECT_FALSE(root.read_well({"gone"}));
    EXPECT_FALSE(root.map("nowhere").read_well({}));
    MapReader map = root.map("m");
    map.integer("c");
    EXPECT_TRUE(map.read_well({"c"}));
    map.error("c", "is too near");
    EXPECT_FALSE(map.read_well({"c"}));
  });
}

TEST(MapReader, AllowsKeysThatHangOnAMistake) {
  EXPECT_EQ(read("a: 1\nb: 2\n", [](MapReader& root) { root.allow({"a", "b", "c"}); }), Texts{});
  EXPECT_EQ(read("a: 1\nb: 2\n",
                 [](MapReader& root) {
                   root.has("a");
                   root.not_used({"b", "c"}, "only others have this");
                 }),
            (Texts{"2:4: b: only others have this"}));
}

TEST(Reading, KeepsThePlacesOfWhatItRead) {
  Diagnostics diagnostics;
  Reading reading(parse_document("f", "a: 1\nm:\n  b: [1]\nl: [{c: 2}]\n", diagnostics),
                  diagnostics);
  MapReader root(reading);
  root.integer("a");
  root.map("m").integers("b");
  for (MapReader item : root.maps("l")) item.integer("c");
  reading.finish();
  const Origin origin = reading.take_origin();
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_EQ(origin.path, "f");
  EXPECT_EQ(origin.positions.at("a").column, 4);
  EXPECT_EQ(origin.positions.at("m.b").line, 3);
  EXPECT_EQ(origin.positions.at("l[0]").column, 5);
  EXPECT_EQ(origin.positions.at("l[0].c").column, 9);
}

TEST(Reading, ReadsAliasesLikeWhatTheyName) {
  const auto get = [](MapReader& root) {
    for (const char* key : {"a", "b"}) EXPECT_EQ(root.map(key).integer("n"), 8);
  };
  EXPECT_EQ(read("a: &x {n: 8}\nb: *x\n", get), Texts{});
  EXPECT_EQ(read("a: {n: 8}\nb: {<<: *x}\n", [](MapReader& root) { EXPECT_FALSE(root.is_map()); }),
            (Texts{"2:9: not YAML: the referenced anchor is not defined"}));
}

}  // namespace
}  // namespace planewise::spec
