#include "workload/schedule.h"

#include <algorithm>

#include "base/check.h"

namespace planewise::workload {

std::vector<PipelineSlot> one_f_one_b_slots(const PipelineShape& shape) {
  PW_CHECK(shape.stage >= 0);
  PW_CHECK(shape.stage < shape.stage_count);
  const std::int64_t warm_up =
      std::min<std::int64_t>(shape.stage_count - 1 - shape.stage, shape.micro_batches);
  std::vector<PipelineSlot> slots;
  slots.reserve(static_cast<std::size_t>(2 * shape.micro_batches));
  for (std::int64_t i = 0; i < warm_up; ++i) slots.push_back({Phase::forward_1f, Pass::forward});
  for (std::int64_t i = warm_up; i < shape.micro_batches; ++i) {
    slots.push_back({Phase::overlapped_1f1b, Pass::forward});
    slots.push_back({Phase::overlapped_1f1b, Pass::backward});
  }
  for (std::int64_t i = 0; i < warm_up; ++i) slots.push_back({Phase::backward_1b, Pass::backward});
  return slots;
}

}  // namespace planewise::workload
