// DualPipe's order of slots, for pipeline_plan alone.
#pragma once

#include "workload/schedule.h"

namespace planewise::workload {

/// The slots of one rank in DualPipe's eight steps. Weight gradients that backward_input left are
/// computed oldest first.
///
/// Source: github deepseek-ai/DualPipe, dualpipe/dualpipe.py, step(). What it calls phase 0 on the
/// second half of the ranks is chunk 1 here.
std::vector<PipelineSlot> dualpipe_slots(const PipelineShape& shape, int rank);

}  // namespace planewise::workload
