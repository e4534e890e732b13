#include "workload/step_writer.h"

#include <utility>

#include "base/check.h"

namespace planewise::workload {

void StepWriter::compute(Piece piece, Part part, int load) {
  const int block = context_.blocks.find(piece, part, setting_);
  if (block < 0) return;
  if (run_load_ != load) flush();
  run_load_ = load;
  run_.push_back(block);
}

void StepWriter::compute_block(int block) { add({StepKind::compute, block}); }

void StepWriter::add(Step step) {
  PW_CHECK(step.index >= 0);
  flush();
  const bool waits_at_once = step.kind == StepKind::wait && !steps_.empty() &&
                             steps_.back().kind == StepKind::start &&
                             steps_.back().index == step.index;
  if (waits_at_once) {
    steps_.back().kind = StepKind::exchange;
  } else {
    steps_.push_back(step);
  }
}

void StepWriter::flush() {
  if (run_.empty()) return;
  steps_.push_back({StepKind::compute, context_.blocks.fuse(run_), run_load_});
  run_.clear();
}

std::vector<Step> StepWriter::take() {
  flush();
  return std::exchange(steps_, {});
}

void StepWriter::gathered(const std::vector<Piece>& pieces, Part part) {
  const int label = fixed().tensor_gather;
  const bool beside = label >= 0 && context_.job.overlap.tensor;
  if (label >= 0 && !beside) exchange(label);
  if (beside) start(label);
  for (const Piece piece : pieces) compute(piece, part);
  if (beside) wait(label);
}

void StepWriter::scattered(const std::vector<Piece>& pieces, Part part) {
  const int label = fixed().tensor_scatter;
  const bool beside = label >= 0 && context_.job.overlap.tensor;
  if (beside) start(label);
  for (const Piece piece : pieces) compute(piece, part);
  if (beside) wait(label);
  if (label >= 0 && !beside) exchange(label);
}

/// Around the ring keys and values come while others are attended to; gathered, before.
void StepWriter::context_exchange(int label) {
  if (label < 0) return;
  if (context_.job.parallel.context_exchange == spec::ContextExchange::ring) {
    start(label);
  } else {
    exchange(label);
  }
}

void StepWriter::attention_forward() {
  const int label = fixed().context_forward;
  const bool ring = context_.job.parallel.context_exchange == spec::ContextExchange::ring;
  gathered({Piece::attention_in}, Part::forward);
  context_exchange(label);
  compute(Piece::attention_core, Part::forward);
  if (label >= 0 && ring) wait(label);
  scattered({Piece::attention_out}, Part::forward);
}

void StepWriter::attention_backward() {
  const int label = fixed().context_backward;
  const bool ring = context_.job.parallel.context_exchange == spec::ContextExchange::ring;
  gathered({Piece::attention_out}, Part::backward);
  if (label >= 0 && ring) start(label);
  compute(Piece::attention_core, Part::backward);
  if (label >= 0 && ring) wait(label);
  if (label >= 0 && !ring) exchange(label);
  regathered(Piece::attention_in);
}

/// Inputs are gathered again for the weight gradients, beside the gradients of inputs: as
/// Megatron-Core's linear layers do it.
void StepWriter::regathered(Piece piece) {
  const int label = fixed().tensor_gather;
  if (label >= 0) start(label);
  compute(piece, Part::backward);
  if (label >= 0) wait(label);
}

void StepWriter::scatter_exchange() {
  if (fixed().tensor_scatter >= 0) exchange(fixed().tensor_scatter);
}
void StepWriter::scatter_start() {
  if (fixed().tensor_scatter >= 0) start(fixed().tensor_scatter);
}
void StepWriter::scatter_wait() {
  if (fixed().tensor_scatter >= 0) wait(fixed().tensor_scatter);
}

void StepWriter::attention_weight() {
  compute(Piece::attention_out, Part::weight);
  compute(Piece::attention_in, Part::weight);
}

void StepWriter::dense_forward() {
  gathered({Piece::dense_in}, Part::forward);
  scattered({Piece::dense_out}, Part::forward);
}

void StepWriter::dense_backward() {
  gathered({Piece::dense_out}, Part::backward);
  regathered(Piece::dense_in);
}

void StepWriter::dense_weight() {
  compute(Piece::dense_out, Part::weight);
  compute(Piece::dense_in, Part::weight);
}

void StepWriter::experts(Part part, MoePosition position) {
  const FixedLabels& f = fixed();
  const bool moves = part != Part::weight && f.expert_tensor_gather >= 0;
  const bool moves_shared =
      part != Part::weight && f.tensor_gather >= 0 && context_.has_shared_experts;
  if (moves_shared) exchange(f.tensor_gather);
  if (moves) exchange(f.expert_tensor_gather);
  compute(Piece::experts, part, context_.labels.load(position));
  if (moves) exchange(f.expert_tensor_scatter);
  if (moves_shared) exchange(f.tensor_scatter);
}

void StepWriter::edge(UnitKind kind, Part part) {
  switch (kind) {
    case UnitKind::embedding:
      compute(Piece::embedding, part);
      if (part == Part::forward && fixed().tensor_scatter >= 0) exchange(fixed().tensor_scatter);
      return;
    case UnitKind::mtp_input:
      compute(Piece::mtp_input, part);
      return;
    case UnitKind::head:
      if (part == Part::forward && fixed().tensor_gather >= 0) exchange(fixed().tensor_gather);
      compute(Piece::head, part);
      if (part == Part::backward && fixed().tensor_scatter >= 0) exchange(fixed().tensor_scatter);
      return;
    case UnitKind::dense_layer:
    case UnitKind::moe_layer:
      return;
  }
}

void StepWriter::edge_backward(UnitKind kind) {
  edge(kind, Part::backward);
  edge(kind, Part::weight);
}

int StepWriter::expert_label(ExpertExchange kind, MoePosition position) const {
  return context_.labels.expert(position, setting_)[static_cast<std::size_t>(kind)];
}

void StepWriter::expert_exchange(ExpertExchange kind, MoePosition position) {
  if (has_expert_exchange()) exchange(expert_label(kind, position));
}
void StepWriter::expert_start(ExpertExchange kind, MoePosition position) {
  if (has_expert_exchange()) start(expert_label(kind, position));
}
void StepWriter::expert_wait(ExpertExchange kind, MoePosition position) {
  if (has_expert_exchange()) wait(expert_label(kind, position));
}

}  // namespace planewise::workload
