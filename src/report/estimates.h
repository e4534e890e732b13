// What of a step's time rests on estimates, and what was asked for beyond a curve's valid sizes.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "simulate/result.h"
#include "spec/profile.h"
#include "workload/program.h"

namespace planewise::report {

/// An operator or exchange whose time rests on estimates.
struct EstimatedPart {
  std::string name{};  ///< `grouped_gemm`, `dispatch`.
  Seconds time{};      ///< Over all ranks; compute, or exposed communication.
  double share = 0;    ///< Of all ranks' compute and exposed communication.
};

/// An operator that a step asked for outside the sizes that its curve was taken at.
struct ExtrapolatedPart {
  std::string id{};
  workload::SizeKind kind = workload::SizeKind::rows;
  spec::ValidRange asked{};  ///< The least and the most of the sizes asked for outside `valid`.
  spec::ValidRange valid{};
  Seconds time{};            ///< Over all ranks, of the calls outside.
  double compute_share = 0;  ///< Of all ranks' compute.
};

/// What `result`'s estimated share is made of, by operator and by exchange, most first.
///
/// Imbalance is left out: each compute step counts as with balanced tokens.
std::vector<EstimatedPart> largest_estimates(const workload::Program& program,
                                             const simulate::Result& result);

/// The operators that `program` asks for outside their curves' valid sizes, one entry an operator
/// and range, most first. Imbalance is left out as above.
std::vector<ExtrapolatedPart> extrapolated_parts(const workload::Program& program,
                                                 const simulate::Result& result);

}  // namespace planewise::report
