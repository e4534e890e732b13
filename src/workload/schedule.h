// Pipeline schedules: the order in which each rank of a pipeline runs forwards and backwards.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/job.h"
#include "workload/program.h"

namespace planewise::workload {

/// What a slot of the pipeline runs.
enum class Pass : std::uint8_t {
  forward,
  backward,        ///< Gradients of inputs and of weights.
  backward_input,  ///< Gradients of inputs alone.
  weight,          ///< Gradients of weights that a backward_input left.
  pair,            ///< A forward of `chunk` and a backward of `other`, overlapped.
};

/// Chunks count from 0 on each rank; each is one stage of the model (PipelinePlan::stage).
struct PipelineSlot {
  Phase phase = Phase::forward_1f;
  Pass pass = Pass::forward;
  int chunk = 0;
  int other = 0;  ///< pair: the chunk whose backward runs.

  bool operator==(const PipelineSlot&) const = default;
};

struct PipelineShape {
  spec::Schedule schedule = spec::Schedule::one_f_one_b;
  int ranks = 1;
  int chunks = 1;  ///< A rank; above 1 under interleaved_1f1b alone. dualpipe: its two are implied.
  std::int64_t micro_batches = 1;  ///< dualpipe: from both ends together.
};

/// Slots of every rank of a pipeline, in order.
struct PipelinePlan {
  PipelineShape shape{};
  std::vector<std::vector<PipelineSlot>> slots{};  ///< [rank]

  int chunk_count() const { return shape.schedule == spec::Schedule::dualpipe ? 2 : shape.chunks; }
  /// Stages of the model: ranks, or ranks x chunks when interleaved.
  int stage_count() const { return shape.ranks * shape.chunks; }
  /// The stage that a rank's chunk holds. interleaved: chunk x ranks + rank. dualpipe: chunk 0
  /// holds stage `rank`, chunk 1 stage ranks - 1 - rank.
  int stage(int rank, int chunk) const;
  /// The rank that runs the next (step 1) or the previous (step -1) stage's chunk; -1: there is
  /// none.
  int neighbour(int rank, int chunk, int step) const;
  /// That chunk on the neighbour.
  int neighbour_chunk(int rank, int chunk, int step) const;
};

/// Every micro-batch once each way through every stage, as the schedule orders it. Phases: forwards
/// before the first backward (dualpipe: all that are alone) are 1F; the steady state is 1F1B;
/// backwards that follow are 1B, and weight gradients on their own 1W.
///
/// Requires: dualpipe an even number of ranks, micro-batches an even number of at least 2 x ranks;
/// interleaved_1f1b micro-batches a multiple of ranks.
///
/// Sources: GPipe (arXiv 1811.06965); 1F1B and interleaving: Narayanan et al., SC 2021 (arXiv
/// 2104.04473), section 2.2; ZB-H1 of Qi et al., ICLR 2024 (arXiv 2401.10241), which the
/// DeepSeek-V3 report calls ZB1P; DualPipe: arXiv 2412.19437, section 3.2.1, and github
/// deepseek-ai/DualPipe. With equal stages and free communication the bubbles are (P-1)(F+B),
/// (P-1)(F+B)/chunks, (P-1)(F+B-2W) and (P/2-1)(F&B+B-3W) (docs/equations.md).
PipelinePlan pipeline_plan(const PipelineShape& shape);

/// [rank][chunk] The most forwards whose backward (of inputs) has not ended, at any moment: how
/// many micro-batches' activations are held. A pair's forward counts from the pair's start.
std::vector<std::vector<std::int64_t>> most_in_flight(const PipelinePlan& plan);

/// [rank] The most micro-batches whose weight gradients have not been computed, over both kinds:
/// what is kept for them.
std::vector<std::int64_t> most_weights_pending(const PipelinePlan& plan);

/// [rank] The same, but only at the moments at which the most micro-batches of all chunks together
/// are in flight: what has its peak together with the activations.
std::vector<std::int64_t> weights_pending_at_peak(const PipelinePlan& plan);

}  // namespace planewise::workload
