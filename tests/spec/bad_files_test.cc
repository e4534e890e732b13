// Every file in bad/ (YAML, or a connection matrix `.cm`) begins with the mistakes that must be
// found in it, all of them and no other:
//   # expect: LINE:COLUMN: KEY: MESSAGE
// without what there is not; MESSAGE may be the beginning. Mistakes in a file that it names begin
// with that file's name. The file is checked as `planewise check` does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "spec/mistakes.h"
#include "spec/read.h"

namespace planewise::spec {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(PLANEWISE_ROOT) / "tests/spec/bad";
constexpr std::string_view kExpect = "# expect: ";

std::vector<std::string> bad_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".yaml") || name.ends_with(".cm")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> expected_mistakes(const std::string& path) {
  std::vector<std::string> expected;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line) && line.starts_with(kExpect);) {
    expected.push_back(line.substr(kExpect.size()));
  }
  return expected;
}

/// Lower case, no full stop, one line.
void expect_fixed_form(const std::string& text) {
  const bool is_sentence = text.ends_with('.') && !text.ends_with("...");
  EXPECT_FALSE(is_sentence) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  const bool is_capital = text.size() > 1 &&
                          std::isupper(static_cast<unsigned char>(text[0])) != 0 &&
                          std::islower(static_cast<unsigned char>(text[1])) != 0;
  EXPECT_FALSE(is_capital) << text;
}

class BadFile : public testing::TestWithParam<std::string> {};

TEST_P(BadFile, HasTheMistakesThatItSays) {
  const std::string path = (kFolder / GetParam()).string();
  Diagnostics diagnostics;
  check_file(path, diagnostics);
  const std::vector<std::string> expected = expected_mistakes(path);
  const std::vector<std::string> found = test::mistakes(diagnostics, path);
  EXPECT_FALSE(expected.empty()) << "say in the first line what is expected";
  for (std::size_t i = 0; i < std::max(expected.size(), found.size()); ++i) {
    const std::string wanted = i < expected.size() ? expected[i] : "(nothing)";
    const std::string got = i < found.size() ? found[i] : "(nothing)";
    EXPECT_EQ(got.substr(0, wanted.size()), wanted) << "all of it: " << got;
  }
  for (const Diagnostic& d : diagnostics.list()) {
    expect_fixed_form(d.message);
    expect_fixed_form(d.hint);
  }
}

INSTANTIATE_TEST_SUITE_P(Bad, BadFile, testing::ValuesIn(bad_files()), [](const auto& test) {
  const std::string& name = test.param;
  return name.substr(0, name.find('.')) + (name.ends_with(".cm") ? "_matrix" : "");
});

}  // namespace
}  // namespace planewise::spec
