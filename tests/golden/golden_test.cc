// Whole runs of the program against recorded output. A case NAME.yaml says:
//   args: [cost, topologies/published/ft2_2048.yaml]   # run in the project's root, no terminal
//   exit: 0
//   program: planewise-calibrate   # optional, instead of planewise
//   stdout: false                  # optional: that stream is not compared; the same for stderr
// NAME.out and NAME.err hold what the streams must be; no file: nothing. PLANEWISE_UPDATE_GOLDEN=1
// writes them, and the diff is reviewed: goldens guard against change, they do not prove that a
// figure is right.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "spec/temporary_folder.h"
#include "spec/yaml_reader.h"

namespace planewise {
namespace {

const std::filesystem::path kRoot = PLANEWISE_ROOT;
const std::filesystem::path kFolder = kRoot / "tests/golden";
constexpr unsigned kLongestRun = 300;  // seconds

struct Case {
  std::string program = PLANEWISE_PROGRAM;
  std::vector<std::string> args{};
  int exit = 0;
  bool compares_stdout = true;
  bool compares_stderr = true;
};

Case read_case(const std::filesystem::path& path) {
  spec::Diagnostics diagnostics;
  spec::Reading reading(spec::load_document(path.string(), diagnostics), diagnostics);
  spec::MapReader root(reading);
  Case golden;
  golden.args = root.texts("args");
  if (root.has("program")) {
    golden.program = root.choice<const char*>(
        "program",
        {{"planewise", PLANEWISE_PROGRAM}, {"planewise-calibrate", PLANEWISE_CALIBRATE}});
  }
  golden.exit = root.small_integer("exit", {.min = 0, .max = 255});
  if (root.has("stdout")) golden.compares_stdout = root.boolean("stdout");
  if (root.has("stderr")) golden.compares_stderr = root.boolean("stderr");
  reading.finish();
  diagnostics.throw_if_any();
  return golden;
}

struct Finished {
  int exit = 0;  // 128 + the signal if one ended it
  std::string out{};
  std::string err{};
};

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// In a child: becomes the program. Only returns if that fails.
void become_program(std::vector<std::string> words, const std::string& out,
                    const std::string& err) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const int in_file = open("/dev/null", O_RDONLY);
  const int out_file = open(out.c_str(), O_WRONLY | O_CREAT, 0600);
  const int err_file = open(err.c_str(), O_WRONLY | O_CREAT, 0600);
  const bool ready = chdir(kRoot.c_str()) == 0 && dup2(in_file, 0) == 0 && dup2(out_file, 1) == 1 &&
                     dup2(err_file, 2) == 2 && setenv("LC_ALL", "C", 1) == 0;
  alarm(kLongestRun);
  if (ready) execv(pointers[0], pointers.data());
}

Finished run_program(const Case& golden) {
  const test::TemporaryFolder folder;
  std::vector<std::string> words = {golden.program};
  words.insert(words.end(), golden.args.begin(), golden.args.end());
  const pid_t child = fork();
  if (child == 0) {
    become_program(words, folder.path("out"), folder.path("err"));
    _exit(127);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return {.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = content_of(folder.path("out")),
          .err = content_of(folder.path("err"))};
}

/// Puts `planewise <version>` for `planewise 0.1.0 (3f2a1b)`, which differs from commit to commit.
std::string masked(const std::string& text) {
  constexpr std::string_view kName = "planewise ";
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = 0; (at = text.find(kName, at)) != std::string::npos;) {
    const std::size_t version = at + kName.size();
    at = std::min(text.find_first_not_of("0123456789.", version), text.size());
    if (at == version) continue;  // the name alone
    if (text.compare(at, 2, " (") == 0) at = std::min(text.find(')', at), text.size() - 1) + 1;
    out += text.substr(done, version - done) + "<version>";
    done = at;
  }
  return out + text.substr(done);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  if (!text.empty() && text.back() != '\n') lines.back() += " (no end of line)";
  return lines;
}

/// The first lines that differ, `-` as recorded and `+` as it is now; empty if the texts are equal.
std::string difference(const std::string& recorded, const std::string& now) {
  constexpr std::ptrdiff_t kShown = 8;
  if (recorded == now) return "";
  const std::vector<std::string> old_lines = lines_of(recorded);
  const std::vector<std::string> new_lines = lines_of(now);
  const auto [from_old, from_new] =
      std::mismatch(old_lines.begin(), old_lines.end(), new_lines.begin(), new_lines.end());
  std::string out = "from line " + std::to_string(from_old - old_lines.begin() + 1) + ":\n";
  const auto show = [&](char sign, auto begin, auto end) {
    const std::ptrdiff_t left = end - begin;
    for (auto line = begin; line != begin + std::min(left, kShown); ++line) {
      out += std::string(1, sign) + " " + *line + "\n";
    }
    if (left > kShown) out += std::string(1, sign) + " ... " + std::to_string(left) + " lines\n";
  };
  show('-', from_old, old_lines.end());
  show('+', from_new, new_lines.end());
  return out;
}

bool updates() {
  const char* value = std::getenv("PLANEWISE_UPDATE_GOLDEN");
  return value != nullptr && std::string(value) == "1";
}

/// Compares one stream with its record, or records it.
void expect_recorded(const std::filesystem::path& record, const std::string& text) {
  const std::string now = masked(text);
  if (updates()) {
    std::filesystem::remove(record);
    if (!now.empty()) std::ofstream(record, std::ios::binary) << now;
    return;
  }
  const std::string differs = difference(content_of(record), now);
  EXPECT_TRUE(differs.empty()) << record.lexically_relative(kRoot).string() << ", " << differs
                               << "if it is meant to change: PLANEWISE_UPDATE_GOLDEN=1";
}

std::vector<std::string> names_with(const std::string& extension) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == extension) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, IsAsRecorded) {
  const std::string base = (kFolder / GetParam()).string();
  const Case golden = read_case(base + ".yaml");
  const Finished run = run_program(golden);
  EXPECT_EQ(run.exit, golden.exit) << run.err;
  if (golden.compares_stdout) expect_recorded(base + ".out", run.out);
  if (golden.compares_stderr) expect_recorded(base + ".err", run.err);
}

INSTANTIATE_TEST_SUITE_P(Case, Golden, testing::ValuesIn(names_with(".yaml")),
                         [](const auto& test) { return test.param; });

TEST(GoldenFolder, HasNoRecordWithoutACase) {
  const std::vector<std::string> cases = names_with(".yaml");
  for (const char* extension : {".out", ".err"}) {
    for (const std::string& name : names_with(extension)) {
      EXPECT_TRUE(std::binary_search(cases.begin(), cases.end(), name)) << name << extension;
    }
  }
}

TEST(GoldenRunner, MasksTheVersion) {
  EXPECT_EQ(masked("planewise 0.1.0 (3f2a1b-dirty)\n"), "planewise <version>\n");
  EXPECT_EQ(masked("planewise 0.1.0"), "planewise <version>");
  EXPECT_EQ(masked("by planewise 12.0.3, seed 7, planewise 1.2.3 (x"),
            "by planewise <version>, seed 7, planewise <version>");
  EXPECT_EQ(masked("{\"version\": \"planewise 0.1.0 (no git)\", \"seed\": 1}"),
            "{\"version\": \"planewise <version>\", \"seed\": 1}");
  EXPECT_EQ(masked("planewise cost FILE"), "planewise cost FILE");
}

TEST(GoldenRunner, ShowsWhereTextsDiffer) {
  EXPECT_EQ(difference("a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(difference("a\nb\nc\n", "a\nx\nc\n"), "from line 2:\n- b\n- c\n+ x\n+ c\n");
  EXPECT_EQ(difference("a\n", "a"), "from line 1:\n- a\n+ a (no end of line)\n");
  EXPECT_EQ(difference("", "new\n"), "from line 1:\n+ new\n");
}

}  // namespace
}  // namespace planewise
