// The engines that a test runs over: both of ours, one of them also checking itself and on two
// threads, and the one of the tests.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "engine/brute_force.h"
#include "engine/engine.h"
#include "engine/scenario.h"

namespace planewise::engine {

struct EngineKind {
  std::string name;
  MakeEngine make = nullptr;
};

/// What GoogleTest prints of a parameter.
inline std::ostream& operator<<(std::ostream& out, const EngineKind& kind) {
  return out << kind.name;
}

inline std::vector<EngineKind> all_engines() {
  return {{"fast", make_fast_engine},
          {"fast_checked", make_checked_engine},
          {"fast_on_two_threads", make_checked_engine_on_two_threads},
          {"simgrid", make_simgrid_engine},
          {"brute_force", make_brute_force_engine}};
}

/// A test that is run with each engine.
class EachEngine : public testing::TestWithParam<EngineKind> {};

inline std::string name_of(const testing::TestParamInfo<EngineKind>& info) {
  return info.param.name;
}

}  // namespace planewise::engine
