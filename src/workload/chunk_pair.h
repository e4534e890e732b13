// A forward and a backward chunk of MoE layers, overlapped, by themselves: what the published
// training trace of DeepSeek-V3 shows (github deepseek-ai/profile-data).
#pragma once

#include <array>
#include <cstdint>

#include "base/units.h"
#include "workload/program.h"
#include "workload/training.h"
#include "workload/training_labels.h"

namespace planewise::workload {

/// Phases in which a layer of a pair computes, as the trace names them: attn(F), mlp(F), ...
enum class PairPhase : std::uint8_t {
  attention_forward,  ///< Up to dispatch: the router's among it.
  experts_forward,
  experts_backward,
  experts_weight,
  attention_backward,  ///< With the router's.
  attention_weight,
};
inline constexpr int kPairPhaseCount = 6;

struct ChunkPair {
  spec::ParallelSpec parallel{};  ///< The job's with one pipeline rank; what place_job wants.
  Program program{};              ///< One slot: the pair.
  std::array<Seconds, kPairPhaseCount> compute{};  ///< [phase] Of one layer.
  ExpertLabels exchanges{};                        ///< Labels by workload::ExpertExchange.
};

/// A pair of `moe_layers` layers each way on the ranks of one stage, with balanced routing and no
/// messages between stages. Requires a job as training_program wants it, under dualpipe, of a model
/// whose experts are spread over ranks.
ChunkPair chunk_pair(const TrainingInput& in, int moe_layers);

}  // namespace planewise::workload
