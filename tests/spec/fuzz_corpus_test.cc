// The fuzzer's corpus, with what it once found, held against its promises in every run of the
// tests.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/exercise_readers.h"
#include "spec/example_files.h"

namespace planewise::spec {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(FuzzCorpus, BreaksNoPromise) {
  const std::filesystem::path root = std::filesystem::path(PLANEWISE_ROOT) / "tests";
  int files = 0;
  for (const char* folder : {"fuzz/corpus", "spec/bad"}) {
    for (const auto& entry : std::filesystem::directory_iterator(root / folder)) {
      EXPECT_EQ(test::exercise_readers(content_of(entry.path())), "") << entry.path();
      ++files;
    }
  }
  EXPECT_GE(files, 100);
}

/// Cut off after every seventh byte, and with that byte changed in turn.
void expect_survives(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); i += 7) {
    EXPECT_EQ(test::exercise_readers(text.substr(0, i)), "") << text.substr(0, i);
    for (const char byte : {'\0', '\n', '-', '{', '"', '9', '\xff'}) {
      std::string other = text;
      other[i] = byte;
      EXPECT_EQ(test::exercise_readers(other), "") << other;
    }
  }
}

TEST(FuzzCorpus, SurvivesExamplesThatAreCutAndChanged) {
  for (const std::string_view example :
       {test::kTopology, test::kPriceBook, test::kModel, test::kDenseModel, test::kWorkload,
        test::kTraffic, test::kProfile, test::kCatalogue, test::kPartPrices, test::kQuotes,
        test::kScenario, test::kFaults, test::kFigures}) {
    expect_survives(std::string(example));
  }
}

TEST(FuzzCorpus, SurvivesTopologiesOfAllFamiliesThatAreCutAndChanged) {
  const std::filesystem::path root = std::filesystem::path(PLANEWISE_ROOT) / "tests/fuzz/corpus";
  int families = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (!entry.path().filename().string().starts_with("topology")) continue;
    expect_survives(content_of(entry.path()));
    ++families;
  }
  EXPECT_GE(families, 11);
}

}  // namespace
}  // namespace planewise::spec
