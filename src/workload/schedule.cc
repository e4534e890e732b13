// Schedules that run from one end: GPipe, 1F1B, interleaved 1F1B and ZB-H1; what any plan holds.
#include "workload/schedule.h"

#include <algorithm>

#include "base/check.h"
#include "workload/dualpipe_schedule.h"

namespace planewise::workload {
namespace {

using Slots = std::vector<PipelineSlot>;

Slots gpipe_slots(std::int64_t micro_batches) {
  Slots slots;
  for (std::int64_t i = 0; i < micro_batches; ++i) {
    slots.push_back({Phase::forward_1f, Pass::forward});
  }
  for (std::int64_t i = 0; i < micro_batches; ++i) {
    slots.push_back({Phase::backward_1b, Pass::backward});
  }
  return slots;
}

/// Groups of `ranks` micro-batches pass through a rank's chunks in turn; backwards from the last
/// chunk to the first. With one chunk it is 1F1B, but for the shorter warm-up of that.
Slots interleaved_slots(const PipelineShape& shape, int rank) {
  const std::int64_t passes = shape.micro_batches * shape.chunks;
  const std::int64_t behind = shape.ranks - 1 - rank;
  const std::int64_t warm_up = std::min<std::int64_t>(
      passes,
      shape.chunks == 1 ? behind : 2 * behind + std::int64_t{shape.chunks - 1} * shape.ranks);
  const auto chunk_of = [&](std::int64_t pass) {
    return static_cast<int>(pass / shape.ranks % shape.chunks);
  };
  Slots slots;
  for (std::int64_t i = 0; i < passes; ++i) {
    const bool steady = i >= warm_up;
    slots.push_back(
        {steady ? Phase::overlapped_1f1b : Phase::forward_1f, Pass::forward, chunk_of(i)});
    if (steady) {
      slots.push_back(
          {Phase::overlapped_1f1b, Pass::backward, shape.chunks - 1 - chunk_of(i - warm_up)});
    }
  }
  for (std::int64_t i = passes - warm_up; i < passes; ++i) {
    slots.push_back({Phase::backward_1b, Pass::backward, shape.chunks - 1 - chunk_of(i)});
  }
  return slots;
}

/// 1F1B whose weight gradients lag behind by `rank` micro-batches: the later ranks pass gradients
/// on sooner at the start, and compute what they put off at the end, while the earlier ranks still
/// run backwards.
Slots zb1p_slots(const PipelineShape& shape, int rank) {
  const std::int64_t warm_up = std::min<std::int64_t>(shape.ranks - 1 - rank, shape.micro_batches);
  Slots slots;
  for (std::int64_t i = 0; i < warm_up; ++i) slots.push_back({Phase::forward_1f, Pass::forward});
  for (std::int64_t i = 0; i < shape.micro_batches; ++i) {
    const bool steady = i < shape.micro_batches - warm_up;
    if (steady) slots.push_back({Phase::overlapped_1f1b, Pass::forward});
    slots.push_back({steady ? Phase::overlapped_1f1b : Phase::backward_1b, Pass::backward_input});
    const bool last_forward_to_come = i + 1 < shape.micro_batches - warm_up;
    if (i >= rank) {
      slots.push_back(
          {last_forward_to_come ? Phase::overlapped_1f1b : Phase::weight_1w, Pass::weight});
    }
  }
  for (std::int64_t i = std::max<std::int64_t>(0, shape.micro_batches - rank);
       i < shape.micro_batches; ++i) {
    slots.push_back({Phase::weight_1w, Pass::weight});
  }
  return slots;
}

Slots rank_slots(const PipelineShape& shape, int rank) {
  switch (shape.schedule) {
    case spec::Schedule::gpipe:
      return gpipe_slots(shape.micro_batches);
    case spec::Schedule::one_f_one_b:
    case spec::Schedule::interleaved_one_f_one_b:
      return interleaved_slots(shape, rank);
    case spec::Schedule::zb1p:
      return zb1p_slots(shape, rank);
    case spec::Schedule::dualpipe:
      return dualpipe_slots(shape, rank);
  }
  PW_UNREACHABLE("a schedule without slots");
}

void check_shape(const PipelineShape& shape) {
  PW_CHECK(shape.ranks > 0);
  PW_CHECK(shape.chunks > 0);
  PW_CHECK(shape.micro_batches > 0);
  const bool interleaved = shape.schedule == spec::Schedule::interleaved_one_f_one_b;
  PW_CHECK(interleaved || shape.chunks == 1);
  PW_CHECK(!interleaved || shape.micro_batches % shape.ranks == 0);
  if (shape.schedule == spec::Schedule::dualpipe) {
    PW_CHECK(shape.ranks % 2 == 0);
    PW_CHECK(shape.micro_batches % 2 == 0);
    PW_CHECK(shape.micro_batches >= 2 * shape.ranks);
  }
}

}  // namespace

int PipelinePlan::stage(int rank, int chunk) const {
  if (shape.schedule == spec::Schedule::dualpipe) return chunk == 0 ? rank : shape.ranks - 1 - rank;
  return chunk * shape.ranks + rank;
}

int PipelinePlan::neighbour(int rank, int chunk, int step) const {
  const int there = stage(rank, chunk) + step;
  if (there < 0 || there >= stage_count()) return -1;
  if (shape.schedule == spec::Schedule::dualpipe) {
    return chunk == 0 ? there : shape.ranks - 1 - there;
  }
  return there % shape.ranks;
}

int PipelinePlan::neighbour_chunk(int rank, int chunk, int step) const {
  if (shape.schedule == spec::Schedule::dualpipe) return chunk;
  return (stage(rank, chunk) + step) / shape.ranks;
}

PipelinePlan pipeline_plan(const PipelineShape& shape) {
  check_shape(shape);
  PipelinePlan plan{.shape = shape};
  for (int rank = 0; rank < shape.ranks; ++rank) plan.slots.push_back(rank_slots(shape, rank));
  return plan;
}

std::vector<std::vector<std::int64_t>> most_in_flight(const PipelinePlan& plan) {
  const auto chunks = static_cast<std::size_t>(plan.chunk_count());
  std::vector<std::vector<std::int64_t>> most;
  for (const Slots& slots : plan.slots) {
    std::vector<std::int64_t> now(chunks);
    std::vector<std::int64_t>& highest = most.emplace_back(chunks);
    for (const PipelineSlot& slot : slots) {
      const auto chunk = static_cast<std::size_t>(slot.chunk);
      if (slot.pass == Pass::forward || slot.pass == Pass::pair) {
        now[chunk] += 1;
        highest[chunk] = std::max(highest[chunk], now[chunk]);
      }
      if (slot.pass == Pass::backward || slot.pass == Pass::backward_input) now[chunk] -= 1;
      if (slot.pass == Pass::pair) now[static_cast<std::size_t>(slot.other)] -= 1;
    }
  }
  return most;
}

std::vector<std::int64_t> most_weights_pending(const PipelinePlan& plan) {
  std::vector<std::int64_t> most;
  for (const Slots& slots : plan.slots) {
    std::int64_t now = 0;
    std::int64_t& highest = most.emplace_back(0);
    for (const PipelineSlot& slot : slots) {
      if (slot.pass == Pass::backward_input) highest = std::max(highest, ++now);
      if (slot.pass == Pass::weight) now -= 1;
    }
  }
  return most;
}

std::vector<std::int64_t> weights_pending_at_peak(const PipelinePlan& plan) {
  std::vector<std::int64_t> most;
  for (const Slots& slots : plan.slots) {
    std::int64_t in_flight = 0;
    std::int64_t peak = 0;
    std::int64_t pending = 0;
    std::int64_t& highest = most.emplace_back(0);
    const auto look = [&] {
      if (in_flight > peak) highest = 0;
      peak = std::max(peak, in_flight);
      if (in_flight == peak) highest = std::max(highest, pending);
    };
    for (const PipelineSlot& slot : slots) {
      if (slot.pass == Pass::forward || slot.pass == Pass::pair) in_flight += 1;
      if (slot.pass == Pass::backward_input) pending += 1;
      look();  // What a backward reads is there until it ends, beside what it puts off.
      if (slot.pass == Pass::weight) pending -= 1;
      const bool frees = slot.pass != Pass::forward && slot.pass != Pass::weight;
      if (frees) in_flight -= 1;
    }
  }
  return most;
}

}  // namespace planewise::workload
