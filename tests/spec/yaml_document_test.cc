#include "spec/yaml_document.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "spec/mistakes.h"
#include "spec/temporary_folder.h"

namespace planewise::spec {
namespace {

using Texts = std::vector<std::string>;

struct Parsed {
  Document document;
  Texts mistakes;

  const Node& node(int index) const { return document.nodes[static_cast<std::size_t>(index)]; }
  const Node& root() const { return node(document.root); }
  const Node& value(std::size_t entry) const { return node(root().entries[entry].node); }
};

Parsed parse(const std::string& text) {
  Diagnostics diagnostics;
  Document document = parse_document("file.yaml", text, diagnostics);
  return {.document = std::move(document), .mistakes = test::mistakes(diagnostics, "file.yaml")};
}

Texts load(const std::string& path) {
  Diagnostics diagnostics;
  EXPECT_EQ(load_document(path, diagnostics).root, -1);
  return test::mistakes(diagnostics, path);
}

std::string place(Position at) { return std::to_string(at.line) + ":" + std::to_string(at.column); }

TEST(ParseDocument, KnowsThePlaceOfEveryKeyAndValue) {
  const Parsed parsed = parse("# comment\nname: \"x\"\nmap:\n  list: [1, b]\n");
  EXPECT_EQ(parsed.mistakes, Texts{});
  ASSERT_EQ(parsed.root().entries.size(), 2U);
  EXPECT_EQ(parsed.root().entries[0].key, "name");
  EXPECT_EQ(place(parsed.root().entries[0].at), "2:1");
  EXPECT_EQ(place(parsed.value(0).at), "2:7");
  EXPECT_EQ(parsed.value(0).text, "x");
  EXPECT_TRUE(parsed.value(0).quoted);
  const Node& map = parsed.value(1);
  EXPECT_EQ(map.kind, NodeKind::map);
  EXPECT_EQ(place(map.at), "4:3");
  const Node& list = parsed.node(map.entries[0].node);
  EXPECT_EQ(list.kind, NodeKind::sequence);
  EXPECT_EQ(place(list.at), "4:9");
  EXPECT_EQ(place(parsed.node(list.items[1]).at), "4:13");
  EXPECT_EQ(parsed.node(list.items[1]).text, "b");
  EXPECT_FALSE(parsed.node(list.items[1]).quoted);
}

// yaml-cpp gives a value that is not written the place of whatever comes after it.
TEST(ParseDocument, PutsAnEmptyValueWhereItBelongs) {
  const Parsed map = parse("a:\n\n# comment\nb: ~\nc: null\n");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(map.value(i).kind, NodeKind::null);
  EXPECT_EQ(place(map.value(0).at), "1:1");
  EXPECT_EQ(place(map.value(1).at), "4:1");
  EXPECT_EQ(place(map.value(2).at), "5:1");
  const Parsed list = parse("a:\n  -   # nothing\n\n  # more\n  - ~\n  - x\n  -\nb: [ , null]\n");
  const std::vector<int>& items = list.value(0).items;
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(place(list.node(items[0]).at), "2:3");
  EXPECT_EQ(place(list.node(items[1]).at), "5:5");
  EXPECT_EQ(place(list.node(items[2]).at), "6:5");
  EXPECT_EQ(place(list.node(items[3]).at), "7:3");
  EXPECT_EQ(place(list.node(list.value(1).items[0]).at), "8:4");
  EXPECT_EQ(place(list.node(list.value(1).items[1]).at), "8:8");
}

TEST(ParseDocument, HashesTheBytesOfTheFile) {
  // FIPS 180-2, appendix B.1: SHA-256 of "abc".
  EXPECT_EQ(parse("abc").document.origin.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_NE(parse("a: 1\r\n").document.origin.sha256, parse("a: 1\n").document.origin.sha256);
}

TEST(ParseDocument, TakesWindowsLineEndsAndAByteOrderMark) {
  const Parsed parsed = parse(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: x\r\n");
  EXPECT_EQ(parsed.mistakes, Texts{});
  ASSERT_EQ(parsed.root().entries.size(), 2U);
  EXPECT_EQ(place(parsed.root().entries[0].at), "1:1");
  EXPECT_EQ(parsed.value(1).text, "x");
}

TEST(ParseDocument, FollowsAliases) {
  const Parsed parsed = parse("a: &x {k: 1}\nb: *x\nc: [*x, *x]\n");
  EXPECT_EQ(parsed.mistakes, Texts{});
  EXPECT_EQ(parsed.root().entries[0].node, parsed.root().entries[1].node);
  // root 1, three keys, {k: 1} is 3 values four times, the list 1
  EXPECT_EQ(parsed.root().expanded, 1U + 3 + 4 * 3 + 1);
}

TEST(ParseDocument, RefusesDuplicateKeysAtAnyDepth) {
  EXPECT_EQ(parse("a: 1\nb: 2\na: 3\n").mistakes,
            (Texts{"3:1: a: duplicate key; the first is on line 1"}));
  EXPECT_EQ(parse("l:\n  - {x: 1}\n  - m: {k: 1, \"k\": 2, k: 3}\n").mistakes,
            (Texts{"3:15: l[1].m.k: duplicate key; the first is on line 3",
                   "3:23: l[1].m.k: duplicate key; the first is on line 3"}));
  EXPECT_EQ(parse("a: 1\na: 2\n").root().entries.size(), 1U);
}

TEST(ParseDocument, RefusesKeysThatAreNotText) {
  EXPECT_EQ(parse("? [a]\n: 1\n? {b: 1}\n: 2\n~: 3\n\"\": 4\n: 5\n").mistakes,
            (Texts{"1:3: ?: a key must be plain text", "3:3: ?: a key must be plain text",
                   "5:1: ?: a key must be plain text", "6:1: ?: a key must be plain text",
                   "7:1: ?: a key must be plain text"}));
}

TEST(ParseDocument, RefusesTags) {
  EXPECT_EQ(
      parse("a: !!int 5\nb: !own {c: 1}\nd: [!!str x]\n").mistakes,
      (Texts{"1:4: a: tag '!!int' means nothing here", "2:4: b: tag '!own' means nothing here",
             "3:5: d[0]: tag '!!str' means nothing here"}));
}

TEST(ParseDocument, RefusesASecondDocument) {
  EXPECT_EQ(parse("a: 1\n---\nb: 2\n").mistakes,
            (Texts{"2:1: a second YAML document starts here; a file holds one"}));
  EXPECT_EQ(parse("---\na: 1\n...\n").mistakes, Texts{});
  EXPECT_EQ(parse("  a: 1\nb: 2\n").mistakes,
            (Texts{"2:1: this is outside the map or list above; check its indentation"}));
}

TEST(ParseDocument, RefusesAFileThatSaysNothing) {
  for (const std::string text :
       {"", "\n\n", "# only\n# comments\n", "---\n", "~\n", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(parse(text).mistakes, (Texts{"there is nothing in the file"})) << text;
  }
}

TEST(ParseDocument, SaysWhatIsNotYaml) {
  EXPECT_EQ(parse("a:\n\tb: 1\n").mistakes, (Texts{"2:3: not YAML: illegal map value"}));
  EXPECT_EQ(parse("a: [1, 2\nb: 3\n").mistakes, (Texts{"1:4: not YAML: '[' without its ']'"}));
  EXPECT_EQ(parse("a: 1\nb: {c: [1], d: 2\n").mistakes,
            (Texts{"2:4: not YAML: '{' without its '}'"}));
  EXPECT_EQ(parse("a: *b\n").mistakes,
            (Texts{"1:4: not YAML: the referenced anchor is not defined"}));
  Diagnostics diagnostics;
  parse_document("f", "a:\n\tb: 1\n", diagnostics);
  EXPECT_EQ(diagnostics.list()[0].hint, "indent with spaces, not with tabs");
}

TEST(ParseDocument, RefusesAnAliasInsideWhatItNames) {
  EXPECT_EQ(parse("a: &x [*x]\n").mistakes,
            (Texts{"1:8: an alias inside the value that it names"}));
  EXPECT_EQ(parse("a: &x {b: {c: *x}}\n").mistakes,
            (Texts{"1:15: an alias inside the value that it names"}));
}

TEST(ParseDocument, RefusesBytesThatAreNotText) {
  EXPECT_EQ(parse(std::string("a: 1\nb: \0\n", 10)).mistakes,
            (Texts{"2:4: byte 0x00 is not text"}));
  EXPECT_EQ(parse("a: caf\xe9\n").mistakes, (Texts{"1:7: byte 0xe9 is not text"}));
  EXPECT_EQ(parse("\u00fc: \xe0\x80\x80").mistakes, (Texts{"1:4: byte 0xe0 is not text"}));
  EXPECT_EQ(parse("a: \xed\xa0\x80").mistakes, (Texts{"1:4: byte 0xed is not text"}));
  EXPECT_EQ(parse("a: 1\rb: 2\r").mistakes, (Texts{"1:5: byte 0x0d is not text"}));
  EXPECT_EQ(parse("a: \x1b[31m").mistakes, (Texts{"1:4: byte 0x1b is not text"}));
  EXPECT_EQ(parse("\xff\xfe"
                  "a")
                .mistakes,
            (Texts{"1:1: byte 0xff is not text"}));  // UTF-16
}

TEST(LoadDocument, RefusesWhatIsNoFile) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(load(folder.path("nowhere.yaml")), (Texts{"no such file"}));
  EXPECT_EQ(load(folder.path("nowhere/x.yaml")), (Texts{"no such file"}));
  EXPECT_EQ(load(folder.path(".")), (Texts{"is a folder, not a YAML file"}));
  EXPECT_EQ(load(""), (Texts{"no such file"}));
  std::filesystem::create_symlink("loop", folder.path("loop"));
  EXPECT_EQ(load(folder.path("loop")), (Texts{"cannot be opened for reading"}));
  EXPECT_EQ(load(folder.path(std::string(5000, 'x'))), (Texts{"cannot be opened for reading"}));
}

TEST(LoadDocument, RefusesPipesAndDevicesWithoutOpeningThem) {
  const test::TemporaryFolder folder;
  ASSERT_EQ(mkfifo(folder.path("pipe").c_str(), 0600), 0);  // to open it would wait for a writer
  const Texts no_file{"is not a regular file but a pipe, socket or device"};
  EXPECT_EQ(load(folder.path("pipe")), no_file);
  EXPECT_EQ(load("/dev/zero"), no_file);
  EXPECT_EQ(load("/dev/null"), no_file);
}

TEST(LoadDocument, SaysThatAFileCannotBeRead) {
  // Address 0 is in nobody's memory, so reading fails once the file is open.
  EXPECT_EQ(load("/proc/self/mem"), (Texts{"cannot be read"}));
  if (geteuid() == 0) return;  // root may open anything
  const test::TemporaryFolder folder;
  const std::string path = folder.write("secret.yaml", "a: 1\n");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  EXPECT_EQ(load(path), (Texts{"cannot be opened for reading"}));
}

TEST(LoadDocument, ReadsAFileWithAnyName) {
  const test::TemporaryFolder folder;
  Diagnostics diagnostics;
  const std::string path = folder.write("a b\u00fc.yaml", "a: 1\n");
  EXPECT_GE(load_document(path, diagnostics).root, 0);
  EXPECT_TRUE(diagnostics.empty());
}

}  // namespace
}  // namespace planewise::spec
