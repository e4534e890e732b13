// Graphviz draws what planewise writes, and planewise draws the same with Graphviz inside.
#include "exports/fabrics.h"
#include "exports/run.h"
#include "fabric/dot.h"
#include "fabric/exports.h"
#include "spec/temporary_folder.h"

// Fontconfig, which Graphviz measures text with, keeps its tables to the end; so does Graphviz with
// some of its own (gmalloc).
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libfontconfig\nleak:gmalloc\n";
}

namespace planewise::fabric {
namespace {

TEST(Dot, GraphvizDrawsEveryFamily) {
  test::need("dot", "graphviz");
  const test::TemporaryFolder folder;
  std::string files;
  for (const spec::TopologySpec& topology : test::one_of_each_family()) {
    const std::string name = std::to_string(files.size()) + ".dot";
    files += " " + folder.write(name, to_dot(lay_out(topology)));
  }
  const test::Ran ran = test::run("dot -Tsvg -O" + files);
  // Nothing to warn of either.
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.output, "");
}

TEST(Svg, IsWellFormedAndTheSameEveryTime) {
  test::need("xmllint", "libxml2-utils");
  const test::TemporaryFolder folder;
  std::string files;
  for (const spec::TopologySpec& topology : test::one_of_each_family()) {
    const Fabric fabric = lay_out(topology);
    const std::string svg = to_svg(fabric);
    EXPECT_EQ(svg, to_svg(fabric)) << spec::family_word(topology.fabric.family);
    EXPECT_NE(svg.find(">made in code<"), std::string::npos);
    files += " " + folder.write(std::to_string(files.size()) + ".svg", svg);
  }
  const test::Ran ran = test::run("xmllint --noout --nonet" + files);
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
}

TEST(Svg, NamesAreShownAsTheyAre) {
  spec::TopologySpec topology = test::one_of_each_family().back();
  topology.name = "a \"b\" \\N &amp; <c>";
  const std::string svg = to_svg(lay_out(topology));
  EXPECT_NE(svg.find("a &quot;b&quot; \\N &amp;amp; &lt;c&gt;"), std::string::npos);
  EXPECT_NE(svg.find("row a &amp; &lt;b&gt;"), std::string::npos);
}

TEST(ExportAs, RefusesWhatHasNoGraph) {
  spec::TopologySpec topology = test::one_of_each_family()[7];
  topology.fabric.as_printed = true;
  const Export made = export_as(lay_out(topology), ExportForm::svg);
  ASSERT_TRUE(std::holds_alternative<Refusal>(made));
  EXPECT_EQ(std::get<Refusal>(made).key, "fabric.as_printed");
}

}  // namespace
}  // namespace planewise::fabric
