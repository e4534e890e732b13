// One profile from several of the same GPU.
#pragma once

#include <string>
#include <vector>

#include "spec/profile.h"

namespace planewise::calibration {

struct Merged {
  struct Taken {
    std::string what{};  ///< `grouped_gemm.fp8 on 112 SMs beside communication`.
    std::string from{};  ///< Name of a profile.
  };
  spec::ProfileSpec profile{};
  std::vector<Taken> taken{};  ///< From the others, in their order.
};

/// `first` with those operators, collectives and sums of `others` that it lacks; an operator is
/// another one if its SMs or what ran beside it are. What is there now is no longer "not measured".
/// Entries from others say so in their source. Throws spec::InputError if another profile is of
/// another GPU, by the name of the chip (`H200`) or its SMs: what holds for one says nothing about
/// the other.
Merged merge_profiles(const spec::ProfileSpec& first, const std::vector<spec::ProfileSpec>& others);

/// `grouped_gemm.fp8, 112 SMs, beside communication`.
std::string operator_name(const spec::OperatorCurve& curve);

}  // namespace planewise::calibration
