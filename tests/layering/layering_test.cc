// The rules that no compiler knows: which module may include which, where each third party's
// headers stay, and how long files and lines may be. docs/architecture.md has the same table;
// change both or neither.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Names = std::set<std::string>;

const std::filesystem::path kRoot = PLANEWISE_ROOT;
constexpr int kMostLines = 600;
constexpr std::size_t kMostColumns = 110;

/// Modules of ours that a module may include, besides itself.
const std::map<std::string, Names> kMayInclude = {
    {"base", {}},
    {"spec", {"base"}},
    {"print", {"base", "spec"}},
    {"model", {"base", "spec"}},
    {"fabric", {"base", "spec"}},
    {"cost", {"base", "spec", "fabric"}},
    {"workload", {"base", "spec", "model"}},
    {"engine", {"base"}},
    {"simulate", {"base", "spec", "fabric", "workload", "engine"}},
    {"report", {"base", "spec", "print", "fabric", "cost", "model", "workload", "simulate"}},
    {"tools",
     {"base", "spec", "print", "fabric", "cost", "model", "workload", "engine", "simulate",
      "report"}},
    {"calibration", {"base", "spec", "print", "model", "workload"}},
};

/// Folders that may include headers whose name starts so. Longest match first.
struct ThirdParty {
  std::string_view start;
  Names folders;
};
const std::vector<ThirdParty> kThirdParties = {
    {"yaml-cpp/", {"src/spec"}},
    {"openssl/", {"src/spec"}},
    {"fmt/", {"src/spec", "src/print", "src/report", "tools", "calibration"}},
    {"boost/", {"src/fabric"}},
    {"graphviz/", {"src/fabric"}},
    {"simgrid/", {"src/engine/simgrid"}},
    {"xbt/", {"src/engine/simgrid"}},
    {"nlohmann/", {"src/report", "calibration"}},
    {"CLI/", {"tools", "calibration"}},
    {"git_version.h", {"tools", "calibration"}},
    {"Eigen/", {"calibration/fit"}},
    {"cu", {"calibration"}},  // cuda.h, cuda_runtime.h, cublasLt.h, cudnn.h, cub/
    {"nccl", {"calibration"}},
    {"mpi.h", {"calibration"}},  // with PLANEWISE_MPI alone
    {"nvml", {"calibration"}},
    {"nvtx3/", {"calibration"}},
    // The system's, where a process is started or a terminal asked about.
    {"fcntl.h", {"src/print", "src/engine/simgrid", "calibration"}},
    {"poll.h", {"src/engine/simgrid", "calibration"}},
    {"signal.h", {"src/print", "src/engine/simgrid", "calibration"}},
    {"unistd.h", {"src/print", "src/engine/simgrid", "tools", "calibration"}},
    {"dlfcn.h", {"calibration"}},
    {"netdb.h", {"calibration"}},
    {"arpa/", {"calibration"}},
    {"netinet/", {"calibration"}},
    {"sys/", {"src/engine/simgrid", "tools", "calibration"}},
};

/// `spec` of `src/spec/read.h`, `tools` of `tools/main.cc`.
std::string module_of(const std::filesystem::path& file) {
  auto part = file.begin();
  if (*part == "src") ++part;
  return part->string();
}

bool is_under(const std::string& file, const std::string& folder) {
  return file.starts_with(folder + "/");
}

/// Why `file` may not include our header `name`; nothing if it may.
std::optional<std::string> own_include_problem(const std::string& file, const std::string& name) {
  const std::string module = module_of(file);
  const std::string wanted = name.substr(0, name.find('/'));
  if (!kMayInclude.contains(module)) return "module " + module + " is not in the table";
  if (name.find('/') == std::string::npos) return "write the module too: #include \"MODULE/" + name;
  if (module == wanted || kMayInclude.at(module).contains(wanted)) return std::nullopt;
  return module + " may not include " + wanted;
}

std::optional<std::string> foreign_include_problem(const std::string& file,
                                                   const std::string& name) {
  if (name.find_first_of("./") == std::string::npos) return std::nullopt;  // <vector>
  for (const ThirdParty& party : kThirdParties) {
    if (!name.starts_with(party.start)) continue;
    const bool allowed = std::any_of(party.folders.begin(), party.folders.end(),
                                     [&](const std::string& f) { return is_under(file, f); });
    if (allowed) return std::nullopt;
    return "<" + name + "> is for " + *party.folders.begin() + " alone";
  }
  return "<" + name + "> is not in the table; a new dependency needs a decision (docs/decisions)";
}

/// `<fmt/format.h>` or `"spec/read.h"` of an include, closing mark left out; empty if the line is
/// none.
std::string_view included(std::string_view line) {
  const auto skip = [&line](std::string_view word) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (!line.starts_with(word)) return false;
    line.remove_prefix(word.size());
    return true;
  };
  if (!skip("#") || !skip("include") || !skip("")) return {};
  return line.substr(0, line.find_first_of("\">", 1));
}

/// What is wrong with the include on this line, if it is one.
std::optional<std::string> include_problem(const std::string& file, const std::string& line) {
  const std::string_view name = included(line);
  if (name.starts_with('"')) return own_include_problem(file, std::string(name.substr(1)));
  if (name.starts_with('<')) return foreign_include_problem(file, std::string(name.substr(1)));
  return std::nullopt;
}

std::size_t columns_of(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not within a UTF-8 character
  }));
}

/// Whether the line leaves something for later without the number of an issue, such as #12.
bool has_open_end(std::string_view line) {
  const std::size_t word = line.find(std::string("TO") + "DO");
  if (word == std::string_view::npos) return false;
  const std::size_t number = line.find('#', word);
  return number == std::string_view::npos || number + 1 == line.size() ||
         std::isdigit(static_cast<unsigned char>(line[number + 1])) == 0;
}

std::optional<std::string> form_problem(const std::string& line) {
  if (columns_of(line) > kMostColumns) {
    return std::to_string(columns_of(line)) + " columns; the most is " +
           std::to_string(kMostColumns);
  }
  if (has_open_end(line)) return "an open end without the number of an issue";
  if (line.ends_with(' ') || line.ends_with('\t')) return "blanks at the end of the line";
  return std::nullopt;
}

struct Line {
  std::string file;  // from the root
  int number = 0;
  std::string text;
};

/// All lines of the C++, CUDA and CMake files under `folders`.
std::vector<Line> lines_under(const std::vector<std::string>& folders) {
  static const Names extensions = {".h", ".cc", ".cu", ".cuh", ".cmake"};
  std::vector<std::filesystem::path> files;
  for (const std::string& folder : folders) {
    if (!std::filesystem::is_directory(kRoot / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(kRoot / folder)) {
      const bool is_source = extensions.contains(entry.path().extension().string()) ||
                             entry.path().filename() == "CMakeLists.txt";
      if (entry.is_regular_file() && is_source) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Line> lines;
  for (const std::filesystem::path& path : files) {
    std::ifstream in(path);
    int number = 0;
    for (std::string text; std::getline(in, text);) {
      lines.push_back({path.lexically_relative(kRoot).string(), ++number, text});
    }
  }
  return lines;
}

std::string place(const Line& line) { return line.file + ":" + std::to_string(line.number) + ": "; }

TEST(Layering, ModulesIncludeWhatIsBelowThem) {
  const std::vector<Line> lines = lines_under({"src", "tools", "calibration"});
  EXPECT_GT(lines.size(), 5000U) << "looked in the wrong place";
  for (const Line& line : lines) {
    if (const auto problem = include_problem(line.file, line.text)) {
      ADD_FAILURE() << place(line) << *problem;
    }
  }
}

TEST(Layering, FilesAndLinesAreShort) {
  std::map<std::string, int> length;
  for (const Line& line : lines_under({"src", "tools", "tests", "calibration"})) {
    if (const auto problem = form_problem(line.text)) ADD_FAILURE() << place(line) << *problem;
    length[line.file] = line.number;
  }
  for (const auto& [file, count] : length) {
    EXPECT_LE(count, kMostLines) << file << ":" << count << ": " << count << " lines";
  }
}

TEST(Layering, EveryModuleOfTheTableIsThere) {
  for (const auto& [module, below] : kMayInclude) {
    const std::string folder = module == "tools" || module == "calibration" ? "" : "src";
    EXPECT_TRUE(std::filesystem::is_directory(kRoot / folder / module)) << module;
  }
}

// The checks themselves: what they let pass and what they do not.
TEST(IncludeProblem, IsFoundInEachDirection) {
  EXPECT_FALSE(include_problem("src/spec/read.h", "#include \"base/units.h\""));
  EXPECT_FALSE(include_problem("src/spec/read.h", "#include \"spec/job.h\""));
  EXPECT_FALSE(include_problem("tools/main.cc", "#include \"engine/engine.h\""));
  EXPECT_FALSE(include_problem("tools/main.cc", "#include \"tools/load.h\""));
  EXPECT_FALSE(include_problem("src/base/a.h", "#include"));
  EXPECT_FALSE(include_problem("src/base/a.h", "#if 0"));
  EXPECT_FALSE(include_problem("src/base/a.h", "// #include \"spec/read.h\""));
  EXPECT_EQ(include_problem("src/base/a.h", "#include \"spec/read.h\""),
            "base may not include spec");
  EXPECT_EQ(include_problem("src/engine/fast/a.cc", "  # include \"fabric/fabric.h\""),
            "engine may not include fabric");
  EXPECT_EQ(include_problem("src/spec/a.cc", "#include \"tools/load.h\""),
            "spec may not include tools");
  EXPECT_TRUE(include_problem("src/magic/a.h", "#include \"base/units.h\""));
  EXPECT_TRUE(include_problem("src/spec/a.cc", "#include \"read.h\""));
  EXPECT_TRUE(include_problem("src/spec/a.cc", "#include \"../fabric/fabric.h\""));
}

TEST(IncludeProblem, IsFoundForThirdParties) {
  EXPECT_FALSE(include_problem("src/base/a.h", "#include <vector>"));
  EXPECT_FALSE(include_problem("src/spec/a.cc", "#include <fmt/format.h>"));
  EXPECT_FALSE(include_problem("src/engine/simgrid/a.cc", "#include <simgrid/s4u.hpp>"));
  EXPECT_TRUE(include_problem("src/fabric/a.cc", "#include <fmt/format.h>"));
  EXPECT_TRUE(include_problem("src/engine/fast/a.cc", "#include <simgrid/s4u.hpp>"));
  EXPECT_TRUE(include_problem("src/report/a.cc", "#include <yaml-cpp/yaml.h>"));
  EXPECT_TRUE(include_problem("src/spec/a.cc", "#include <unistd.h>"));
  EXPECT_TRUE(include_problem("src/spec/a.cc", "#include <new_library/all.hpp>"));
}

TEST(FormProblem, IsFound) {
  EXPECT_FALSE(form_problem(std::string(110, 'x')));
  EXPECT_FALSE(form_problem("// " + std::string(107, 'x')));
  EXPECT_TRUE(form_problem(std::string(111, 'x')));
  EXPECT_EQ(columns_of("\u00fc\u20ac!"), 3U);
  const std::string open_end = std::string("// TO") + "DO";
  EXPECT_TRUE(form_problem(open_end + ": later"));
  EXPECT_TRUE(form_problem(open_end + " #soon"));
  EXPECT_TRUE(form_problem(open_end + " #"));
  EXPECT_FALSE(form_problem(open_end + " #12: later"));
  EXPECT_TRUE(form_problem("int x; "));
}

}  // namespace
