// Hostile files end in one clear message, at once and in little memory.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "spec/mistakes.h"
#include "spec/read.h"
#include "spec/temporary_folder.h"

namespace planewise::spec {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr double kSlower = 10;  // what the sanitizers cost at most
#else
constexpr double kSlower = 1;
#endif

/// What a process of its own said and took.
struct Outcome {
  std::string said;
  double processor_seconds = 0;
  double megabytes = 0;
};

Outcome run_apart(const std::function<std::string()>& work) {
  int ends[2] = {};
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string said = work();
    const bool written = write(ends[1], said.data(), said.size()) == ssize_t(said.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  Outcome outcome;
  char buffer[4096];
  for (ssize_t size = 0; (size = read(ends[0], buffer, sizeof buffer)) > 0;) {
    outcome.said.append(buffer, static_cast<std::size_t>(size));
  }
  close(ends[0]);
  int status = 0;
  rusage usage{};
  EXPECT_EQ(wait4(child, &status, 0, &usage), child);
  EXPECT_EQ(status, 0);
  const auto seconds_of = [](timeval t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  outcome.processor_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  outcome.megabytes = double(usage.ru_maxrss) / 1000;
  return outcome;
}

/// The first mistake of a file with this text.
Outcome check(const std::string& text) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("hostile.yaml", text);
  return run_apart([&] {
    Diagnostics diagnostics;
    check_file(path, diagnostics);
    const auto all = test::mistakes(diagnostics, path);
    return all.empty() ? std::string() : all.front();
  });
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// yaml-cpp reads 8 MB of one scalar a second; these are 4 MB, and the machine may be a slow one.
constexpr double kLongText = 3;

constexpr std::size_t kNearLimit = kMaxFileBytes - 100;

struct Hostile {
  std::string name;
  std::function<std::string()> text;
  std::string expected;          // how the first mistake starts
  double processor_seconds = 1;  // at most; measured: 0.25 s
};

std::ostream& operator<<(std::ostream& out, const Hostile& hostile) { return out << hostile.name; }

std::string name_of(const testing::TestParamInfo<Hostile>& test) { return test.param.name; }

class HostileFile : public testing::TestWithParam<Hostile> {};

TEST_P(HostileFile, IsRefusedAtOnceAndInLittleMemory) {
  const Outcome outcome = check(GetParam().text());
  EXPECT_EQ(outcome.said.substr(0, GetParam().expected.size()), GetParam().expected);
  EXPECT_LT(outcome.processor_seconds, GetParam().processor_seconds * kSlower);
  EXPECT_LT(outcome.megabytes, 300 * kSlower);  // measured: 170 MB
}

std::string alias_bomb() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
            repeated(before + ", ", 8) + before + "]\n";
  }
  return text;
}

INSTANTIATE_TEST_SUITE_P(
    Nested, HostileFile,
    testing::Values(Hostile{"brackets", [] { return repeated("[", 10'000); },
                            "1:33: nested deeper than 64 levels"},
                    Hostile{"closed", [] { return repeated("[", 10'000) + repeated("]", 10'000); },
                            "1:65: nested deeper than 64 levels"},
                    Hostile{"braces", [] { return repeated("{", 10'000); },
                            "1:64: nested deeper than 64 levels"},
                    Hostile{"maps", [] { return repeated("{a: ", 10'000); },
                            "1:253: nested deeper than 64 levels"},
                    Hostile{"dashes", [] { return repeated("- ", 10'000); },
                            "1:129: nested deeper than 64 levels"},
                    Hostile{"questions", [] { return repeated("? ", 10'000); },
                            "1:129: nested deeper than 64 levels"},
                    Hostile{"four_megabytes", [] { return repeated("[", kNearLimit); },
                            "more than 100000 values"},
                    Hostile{"both", [] { return repeated("[{", kNearLimit / 2); },
                            "more than 100000 values"}),
    name_of);
INSTANTIATE_TEST_SUITE_P(
    Many, HostileFile,
    testing::Values(
        Hostile{"alias_bomb", alias_bomb, "6:15: more than 100000 values, aliases written out"},
        Hostile{"numbers", [] { return "[" + repeated("1,", kNearLimit / 2) + "]"; },
                "more than 100000 values"},
        Hostile{"items", [] { return repeated("- 1\n", 90'000); }, "1:1: the file is a list"},
        Hostile{"duplicate_keys", [] { return "{" + repeated("a: 1, ", 49'000) + "a: 1}"; },
                "1:8: a: duplicate key"},
        Hostile{"maps",
                [] {
                  return "planewise_calibration: 1\noperators: [" + repeated("{},", 49'000) +
                         "{}]\n";
                },
                "1:1: collectives: missing key"},
        Hostile{"documents", [] { return repeated("---\n", 90'000); },
                "2:1: a second YAML document starts here"}),
    name_of);
INSTANTIATE_TEST_SUITE_P(
    Long, HostileFile,
    testing::Values(Hostile{"scalar", [] { return std::string(kNearLimit, 'a'); },
                            "1:1: the file 'aaaaaa", kLongText},
                    Hostile{"key",
                            [] {
                              return "planewise_model: 1\n? " + std::string(kNearLimit, 'k') +
                                     "\n: 1\n";
                            },
                            "1:1: attention: missing key", kLongText},
                    Hostile{"over_limit", [] { return std::string(kMaxFileBytes + 1, ' '); },
                            "larger than 4 MB"},
                    Hostile{"binary", [] { return std::string(kNearLimit, '\0'); },
                            "1:1: byte 0x00 is not text"}),
    name_of);

// Of a value, key or line of megabytes a message shows the beginning.
TEST(Message, IsShortWhateverTheFileHolds) {
  Diagnostics diagnostics;
  const std::string huge(100'000, 'x');
  check_document(parse_document("f",
                                "planewise_model: 1\nname: [" + huge + "]\nlayers: " + huge +
                                    "\n? " + huge + "\n: 1\nhidden: \"" + huge + "\"\n",
                                diagnostics),
                 diagnostics);
  ASSERT_GE(diagnostics.list().size(), 4U);
  for (const Diagnostic& d : diagnostics.list()) EXPECT_LT(render(d).size(), 600U) << render(d);
}

}  // namespace
}  // namespace planewise::spec
