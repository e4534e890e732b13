// The kinds of transfers of a job, by what they are for; indexes into Program::labels.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "spec/job.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "workload/program.h"
#include "workload/training_blocks.h"

namespace planewise::workload {

/// Queues of a rank: exchanges of one kind of group go one after the other.
enum Queue : int { kExpertQueue, kTensorQueue, kDataQueue, kMessageQueue };

/// The exchanges of one MoE layer. The backward of combine is a dispatch, that of dispatch a
/// combine (DeepEP).
enum class ExpertExchange : std::uint8_t { dispatch, combine, combine_backward, dispatch_backward };
inline constexpr int kExpertExchangeCount = 4;
using ExpertLabels = std::array<int, kExpertExchangeCount>;

/// Labels outside the experts; -1: the job has none.
struct FixedLabels {
  int tensor_gather = -1;
  int tensor_scatter = -1;
  int context_forward = -1;
  int context_backward = -1;
  int expert_tensor_gather = -1;
  int expert_tensor_scatter = -1;
  int gradient_node = -1;
  int gradient_rail = -1;
  int expert_gradient = -1;
  int embedding_gradient = -1;
  int gradient_norm = -1;
  int parameter_rail = -1;
  int parameter_node = -1;
  int expert_parameter = -1;
};

/// Where a MoE layer stands on its pipeline rank: the chunk, and its place among the chunk's MoE
/// layers.
struct MoePosition {
  int chunk = 0;
  int layer = 0;
};

struct LabelShape {
  int chunks = 1;         ///< A pipeline rank.
  int most_layers = 0;    ///< MoE layers of a chunk, MTP's among them.
  bool by_layer = false;  ///< Layers differ in their tokens, so each has labels of its own.
  bool has_pairs = false;
};

/// All labels of a job.
class JobLabels {
 public:
  JobLabels(const spec::JobSpec& job, const spec::ModelSpec& model,
            const spec::ProfileSpec& profile, const LabelShape& shape);

  const FixedLabels& fixed() const { return fixed_; }
  const ExpertLabels& expert(MoePosition position, Setting setting) const;
  int forward_message(int chunk) const { return forward_[static_cast<std::size_t>(chunk)]; }
  int backward_message(int chunk) const { return backward_[static_cast<std::size_t>(chunk)]; }
  /// Index into Program::loads of a MoE layer; -1 where all ranks get the same.
  int load(MoePosition position) const;
  const LabelShape& shape() const { return shape_; }

  const std::vector<Label>& labels() const { return labels_; }
  /// The profile's curve of a label.
  const spec::CollectiveCurve& curve(int label) const {
    return *curves_[static_cast<std::size_t>(label)];
  }

 private:
  int add(const std::string& name, const spec::CollectiveCurve& curve, int queue,
          bool is_message = false);
  void add_expert_labels(const spec::JobSpec& job, const spec::ProfileSpec& profile);
  void add_data_labels(const spec::JobSpec& job, const spec::ModelSpec& model,
                       const spec::ProfileSpec& profile);

  LabelShape shape_{};
  FixedLabels fixed_{};
  std::vector<Label> labels_;
  std::vector<const spec::CollectiveCurve*> curves_;  ///< [label]
  std::vector<ExpertLabels> expert_;                  ///< [setting][chunk][layer]
  std::vector<int> forward_;
  std::vector<int> backward_;
};

/// The profile's collectives that a job needs.
std::vector<std::string> job_collectives(const spec::JobSpec& job, const spec::ModelSpec& model);

/// True if first and last stage hold the embedding on different ranks, whose gradients must be
/// added up.
bool shares_embedding(const spec::JobSpec& job, const spec::ModelSpec& model);

}  // namespace planewise::workload
