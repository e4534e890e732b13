// Pipeline schedules: the order in which a stage runs forwards and backwards.
#pragma once

#include <vector>

#include "workload/program.h"

namespace planewise::workload {

/// What a slot of the pipeline runs.
enum class Pass : std::uint8_t { forward, backward };

struct PipelineSlot {
  Phase phase = Phase::forward_1f;
  Pass pass = Pass::forward;
};

struct PipelineShape {
  int stage_count = 1;
  int stage = 0;
  std::int64_t micro_batches = 1;
};

/// The slots of one stage under 1F1B: min(stages - 1 - stage, micro-batches) forwards, then a
/// forward and a backward in turn until no forward is left, then the backwards that remain. Each
/// micro-batch once each way.
///
/// Source: PipeDream-Flush, Narayanan et al., SC 2021 (arXiv 2104.04473), section 2.2. With equal
/// stages and free communication the bubble is (stages - 1) * (F + B).
std::vector<PipelineSlot> one_f_one_b_slots(const PipelineShape& shape);

}  // namespace planewise::workload
