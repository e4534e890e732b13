// A Program's flows as a connection matrix of htsim (`.cm`): who sends how much to whom, after
// what.
//
// Source: csg-htsim (github.com/Broadcom/csg-htsim), sim/datacenter/connection_matrix.cpp, load(),
// and sim/trigger.cpp, commit 841d9e7.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::workload {

/// Why a program cannot be written so.
struct MatrixRefusal {
  std::string reason{};  ///< As a Diagnostic's message.
  std::string hint{};
};

struct MatrixOptions {
  std::int64_t hosts = 0;  ///< GPU i is host i.
  std::uint64_t seed = 1;  ///< Of sizes that are drawn, as in the simulation.
};

/// Writes every flow of every start. A flow starts at a time, or when all flows that it waits for
/// have ended: a `oneshot` or `barrier` trigger.
///
/// The format has no pause after a trigger and no software latency, and a flow activates two
/// triggers at most (send_done_trigger, recv_done_trigger): what needs more is refused.
std::variant<std::string, MatrixRefusal> htsim_matrix(const Program& program,
                                                      const Placement& placement,
                                                      const MatrixOptions& options);

}  // namespace planewise::workload
