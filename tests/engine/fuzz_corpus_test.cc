// The solver's fuzzer: its corpus, with what it once found, and random bytes, in every run of the
// tests.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/random.h"
#include "engine/seeds.h"
#include "fuzz/exercise_engine.h"

namespace planewise::engine {
namespace {

std::vector<std::uint8_t> content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(FuzzCorpus, IsPlayedAsByBruteForce) {
  const std::filesystem::path root = std::filesystem::path(PLANEWISE_ROOT) / "tests";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root / "fuzz/corpus_solver")) {
    EXPECT_EQ(test::exercise_engine(content_of(entry.path())), "") << entry.path();
    ++files;
  }
  EXPECT_GE(files, 30);
}

TEST(FuzzCorpus, RandomBytesArePlayedAsByBruteForce) {
  for (const std::uint64_t seed : seeds(3000)) {
    SCOPED_TRACE(seed_note(seed));
    Random random(mix_bits(seed));
    std::vector<std::uint8_t> data(static_cast<std::size_t>(random.integer(16, 400)));
    for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(random.integer(0, 255));
    ASSERT_EQ(test::exercise_engine(data), "");
  }
}

}  // namespace
}  // namespace planewise::engine
