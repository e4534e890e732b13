// The profiles of calibration/profiles are what fit makes of calibration/published, byte for byte.
// PLANEWISE_UPDATE_PROFILES=1 rewrites them; the difference is reviewed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "calibration/fit/fit.h"
#include "calibration/fit/profile_text.h"
#include "calibration/fit/published.h"
#include "calibration/raw/raw_file.h"

namespace planewise::calibration {
namespace {

std::string repository() { return PLANEWISE_ROOT; }

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class PublishedProfile : public ::testing::TestWithParam<const char*> {};

TEST_P(PublishedProfile, IsWhatFitMakesOfItsRawFile) {
  const std::string name = GetParam() + std::string("_published");
  spec::Diagnostics diagnostics;
  const RawFile raw =
      read_raw(repository() + "/calibration/published/" + name + ".jsonl", diagnostics);
  diagnostics.throw_if_any();
  const std::string text = profile_text(fit_profile(raw, {}).profile, published_heading(raw));
  const std::string path = repository() + "/calibration/profiles/" + name + ".yaml";
  if (std::getenv("PLANEWISE_UPDATE_PROFILES") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
  }
  EXPECT_EQ(text_of(path), text);
}

INSTANTIATE_TEST_SUITE_P(All, PublishedProfile,
                         ::testing::Values("a100", "b200", "h100", "h200", "h800"),
                         [](const auto& test) { return std::string(test.param); });

/// What reading `line`, after a profile and links, reports: `line:column: message`.
std::string mistakes(const std::string& line) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "published_mistakes.jsonl";
  std::ofstream(path) << R"({"record": "profile", "schema": 1, "name": "x", "source": "s", )"
                      << R"("gpu": {"name": "g", "sms": 132, "bf16_peak_tflops": 989, )"
                      << R"("kernel_gap_us": 2, "memory_rate_gb_per_s": 3350, )"
                      << R"("memory_bytes": 80000000000, "source": "s"}})" << '\n'
                      << line << '\n';
  spec::Diagnostics diagnostics;
  read_raw(path.string(), diagnostics);
  try {
    diagnostics.throw_if_any();
  } catch (const spec::InputError& error) {
    return error.what();
  }
  return "";
}

TEST(PublishedRecord, MistakesSayWhereAndWhat) {
  const auto expect = [](const std::string& line, const std::string& place_and_message) {
    EXPECT_NE(mistakes(line).find(place_and_message), std::string::npos) << line << "\n"
                                                                         << mistakes(line);
  };
  expect(R"({"record": "curve", "id": "gelu", "sms": 132, "as": "swiglu",)"
         R"( "evidence": "estimated", "source": "s"})",
         "2:53: error: as: no curve of 'swiglu' before");
  expect(R"({"record": "transfer", "ids": ["a"], "ranks": 8, "bytes": 1, "time_us": 1,)"
         R"( "source": "s"})",
         "2:12: error: record: no 'links' record before");
  expect(R"({"record": "row", "id": "gemm.bf16", "sms": 132, "groups": 1, "m": 1, "n": 1,)"
         R"( "k": 1, "tflops": 0, "evidence": "published", "source": "s"})",
         "error: tflops: 0 must be more than 0");
  expect(
      R"({"record": "in_step", "ids": ["a"], "share": 1.5, "evidence": "fitted", "source": "s"})",
      "error: share: is more than 1");
  expect(R"({"record": "model", "ids": ["gemm.bf16"], "source": "s"})",
         "2:28: error: ids: no row of any of them");
}

}  // namespace
}  // namespace planewise::calibration
