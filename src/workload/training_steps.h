// The steps of a pipeline rank's chunks: forwards, backwards, weight gradients, overlapped pairs.
//
// Source of the order inside a pair: the published training trace (deepseek-ai/profile-data) and
// arXiv 2412.19437, figure 4.
#pragma once

#include <vector>

#include "model/stage_size.h"
#include "spec/job.h"
#include "workload/program.h"
#include "workload/schedule.h"
#include "workload/training_blocks.h"
#include "workload/training_labels.h"

namespace planewise::workload {

/// A part of a stage that is run as one: a layer, or what stands before or behind the layers.
enum class UnitKind : std::uint8_t { embedding, dense_layer, moe_layer, mtp_input, head };
struct Unit {
  UnitKind kind = UnitKind::dense_layer;
  int moe_layer = 0;  ///< Among the stage's MoE layers, MTP's last.

  bool is_layer() const { return kind == UnitKind::dense_layer || kind == UnitKind::moe_layer; }
};
/// What a stage runs forward, in order: embedding, dense layers, MoE layers, head, and of the MTP
/// module its input, layer and head.
std::vector<Unit> stage_units(const model::StageContent& stage, bool mtp_is_moe);

/// One chunk of a pipeline rank.
struct ChunkPlace {
  int chunk = 0;
  std::vector<Unit> units{};
  bool is_first = false;  ///< Of the model's stages: nothing comes in, no gradient goes out.
  bool is_last = false;
  /// The label of what comes in is the sender's, whose chunk may be another one.
  int forward_from = 0;
  int backward_from = 0;
};

struct StepContext {
  const spec::JobSpec& job;
  const JobLabels& labels;
  BlockTable& blocks;
  bool has_shared_experts = false;
};

/// Data-parallel exchanges within a chunk.
enum class DataExchange : std::uint8_t {
  none,
  by_layer,  ///< Parameters are waited for, or gradients sent, layer by layer: in the first forward
             ///< of a chunk and the last backward, if the job overlaps them.
  sharded,   ///< fsdp: parameters come one layer ahead, gradients go one layer behind.
};

/// Asks for the parameters of all layers of a pipeline rank, one after the other.
std::vector<Step> gather_steps(const StepContext& context, std::int64_t layers);
std::vector<Step> forward_steps(const StepContext& context, const ChunkPlace& place,
                                DataExchange data = DataExchange::none);
/// With weight gradients, or (Pass::backward_input) without.
std::vector<Step> backward_steps(const StepContext& context, const ChunkPlace& place, Pass pass,
                                 DataExchange data = DataExchange::none);
std::vector<Step> weight_steps(const StepContext& context, const ChunkPlace& place);
/// A forward of one chunk and a backward of the other. Layer by layer, attention of the forward,
/// experts of the backward, experts of the forward, attention of the backward, each beside an
/// exchange of the other.
std::vector<Step> pair_steps(const StepContext& context, const ChunkPlace& forward,
                             const ChunkPlace& backward);

struct OptimizerPlace {
  int block = 0;
  std::int64_t layers = 0;        ///< Of the pipeline rank, MTP's among them.
  bool shares_embedding = false;  ///< And holds one of the two copies.
};
/// Gradients reduced, their norm, the update, parameters gathered; of what overlaps only the
/// waiting.
std::vector<Step> optimizer_steps(const StepContext& context, const OptimizerPlace& place);

}  // namespace planewise::workload
