// Writes the steps of a chunk: pieces of layers with the communication that belongs to each.
#pragma once

#include <vector>

#include "workload/training_steps.h"

namespace planewise::workload {

/// Writes one chunk. Blocks that follow each other directly are fused.
class StepWriter {
 public:
  StepWriter(const StepContext& context, Setting setting) : context_(context), setting_(setting) {}

  void compute(Piece piece, Part part, int load = -1);
  void compute_block(int block);
  void exchange(int label) { add({StepKind::exchange, label}); }
  void start(int label) { add({StepKind::start, label}); }
  void wait(int label) { add({StepKind::wait, label}); }
  void send(int label) { add({StepKind::send, label}); }
  void send_queued(int label) { add({StepKind::send_queued, label}); }
  void receive(int label) { add({StepKind::receive, label}); }

  // Of layers, without the exchanges of experts.
  void attention_forward();
  void attention_backward();  ///< Gradients of inputs, not yet scattered.
  void attention_weight();
  void dense_forward();
  void dense_backward();  ///< The same.
  void dense_weight();
  // Of the gradients of inputs over the tensor group; nothing if there is none.
  void scatter_exchange();
  void scatter_start();
  void scatter_wait();
  void experts(Part part, MoePosition position);
  /// Embedding, MTP input or head; nothing if the kind is a layer.
  void edge(UnitKind kind, Part part);
  void edge_backward(UnitKind kind);

  int expert_label(ExpertExchange kind, MoePosition position) const;
  bool has_expert_exchange() const { return context_.job.parallel.expert > 1; }
  void expert_exchange(ExpertExchange kind, MoePosition position);
  void expert_start(ExpertExchange kind, MoePosition position);
  void expert_wait(ExpertExchange kind, MoePosition position);

  std::vector<Step> take();

 private:
  const FixedLabels& fixed() const { return context_.labels.fixed(); }
  void add(Step step);
  void flush();
  /// `pieces` whose input is gathered (before) or whose output is scattered (after) over the tensor
  /// group; beside them if the job overlaps tensor communication.
  void gathered(const std::vector<Piece>& pieces, Part part);
  void scattered(const std::vector<Piece>& pieces, Part part);
  void context_exchange(int label);
  void regathered(Piece piece);

  const StepContext& context_;
  Setting setting_;
  std::vector<Step> steps_;
  std::vector<int> run_;  ///< Blocks not written yet.
  int run_load_ = -1;
};

}  // namespace planewise::workload
