#include "workload/ideal_pipeline.h"

#include <map>
#include <string>
#include <tuple>

namespace planewise::workload {
namespace {

/// Blocks of the program.
enum BlockIndex : int { kForward, kBackward, kBackwardInput, kWeight, kPair };

int forward_label(int chunk) { return 2 * chunk; }
int backward_label(int chunk) { return 2 * chunk + 1; }

/// Writes what the slots of one pipeline rank do.
class RankWriter {
 public:
  RankWriter(const PipelinePlan& plan, int rank) : plan_(plan), rank_(rank) {}

  StageProgram write() {
    for (const PipelineSlot& slot : plan_.slots[static_cast<std::size_t>(rank_)]) {
      const auto key = std::tuple(slot.pass, slot.chunk, slot.other);
      const auto [known, is_new] =
          known_.try_emplace(key, static_cast<int>(program_.chunks.size()));
      if (is_new) program_.chunks.push_back({.name = "pass", .steps = steps_of(slot)});
      program_.slots.push_back({slot.phase, known->second});
    }
    return std::move(program_);
  }

 private:
  std::vector<Step> steps_of(const PipelineSlot& slot) const {
    switch (slot.pass) {
      case Pass::forward:
        return steps({slot.chunk}, {}, kForward);
      case Pass::backward:
        return steps({}, {slot.chunk}, kBackward);
      case Pass::backward_input:
        return steps({}, {slot.chunk}, kBackwardInput);
      case Pass::weight:
        return steps({}, {}, kWeight);
      case Pass::pair:
        return steps({slot.chunk}, {slot.other}, kPair);
    }
    return {};
  }

  /// `block` between what the chunks that run forward and backward receive and send.
  std::vector<Step> steps(const std::vector<int>& forward, const std::vector<int>& backward,
                          int block) const {
    std::vector<Step> steps;
    for (const int chunk : forward) {
      if (plan_.neighbour(rank_, chunk, -1) < 0) continue;
      steps.push_back({StepKind::receive, forward_label(plan_.neighbour_chunk(rank_, chunk, -1))});
    }
    for (const int chunk : backward) {
      if (plan_.neighbour(rank_, chunk, +1) < 0) continue;
      steps.push_back({StepKind::receive, backward_label(plan_.neighbour_chunk(rank_, chunk, +1))});
    }
    steps.push_back({StepKind::compute, block});
    for (const int chunk : forward) {
      if (plan_.neighbour(rank_, chunk, +1) < 0) continue;
      steps.push_back({StepKind::send, forward_label(chunk)});
    }
    for (const int chunk : backward) {
      if (plan_.neighbour(rank_, chunk, -1) < 0) continue;
      steps.push_back({StepKind::send, backward_label(chunk)});
    }
    return steps;
  }

  const PipelinePlan& plan_;
  int rank_;
  std::map<std::tuple<Pass, int, int>, int> known_;
  StageProgram program_;
};

void add_message(Program& program, int label, int source, int destination) {
  program.transfers.push_back(
      {.label = label,
       .members = {source, destination},
       .flows = {{.source = source, .destination = destination, .size = bytes(1)}}});
}

}  // namespace

Program ideal_pipeline(const PipelinePlan& plan, const PassTimes& times) {
  Program program;
  program.blocks = {{.name = "forward", .time = times.forward},
                    {.name = "backward", .time = times.backward},
                    {.name = "input backward", .time = times.backward - times.weight},
                    {.name = "weight backward", .time = times.weight},
                    {.name = "pair", .time = times.pair}};
  for (int chunk = 0; chunk < plan.chunk_count(); ++chunk) {
    program.labels.push_back({.name = "pipeline forward", .is_message = true});
    program.labels.push_back({.name = "pipeline backward", .is_message = true});
  }
  for (int rank = 0; rank < plan.shape.ranks; ++rank) {
    program.stage_of_rank.push_back(rank);
    program.stages.push_back(RankWriter(plan, rank).write());
    for (int chunk = 0; chunk < plan.chunk_count(); ++chunk) {
      const int next = plan.neighbour(rank, chunk, +1);
      const int previous = plan.neighbour(rank, chunk, -1);
      if (next >= 0) add_message(program, forward_label(chunk), rank, next);
      if (previous >= 0) add_message(program, backward_label(chunk), rank, previous);
    }
  }
  return program;
}

}  // namespace planewise::workload
