// Where random tests take their seeds from.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace planewise::engine {

/// Returns 1 to `count`, or only the value of PLANEWISE_SEED if that is set; with
/// PLANEWISE_SEED_COUNT that many from it on.
inline std::vector<std::uint64_t> seeds(std::uint64_t count) {
  std::uint64_t first = 1;
  if (const char* const chosen = std::getenv("PLANEWISE_SEED")) {
    first = std::stoull(chosen);
    const char* const chosen_count = std::getenv("PLANEWISE_SEED_COUNT");
    count = chosen_count == nullptr ? 1 : std::stoull(chosen_count);
  }
  std::vector<std::uint64_t> result;
  for (std::uint64_t i = 0; i < count; ++i) result.push_back(first + i);
  return result;
}

/// What a failure says, to be run again alone.
inline std::string seed_note(std::uint64_t seed) {
  return "run again with PLANEWISE_SEED=" + std::to_string(seed);
}

/// Makes rc::check() start from PLANEWISE_SEED, or from 1: it would choose a seed of its own.
/// RapidCheck prints how to reproduce a failure.
inline void seed_rapidcheck() {
  const std::string parameters = "seed=" + std::to_string(seeds(1).front()) + " max_success=300";
  setenv("RC_PARAMS", parameters.c_str(), 0);
}

}  // namespace planewise::engine
