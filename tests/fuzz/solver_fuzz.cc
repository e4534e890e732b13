// libFuzzer target: no sequence of calls may make the fast engine differ from the one that computes
// everything again, or fail its own check of max-min fairness.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fuzz/exercise_engine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string difference = planewise::test::exercise_engine({data, size});
  if (!difference.empty()) {
    std::fprintf(stderr, "not as brute force: %s\n", difference.c_str());
    std::abort();
  }
  return 0;
}
