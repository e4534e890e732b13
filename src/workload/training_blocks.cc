#include "workload/training_blocks.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "workload/element_size.h"
#include "workload/operator_time.h"
#include "workload/operators.h"

namespace planewise::workload {
namespace {

std::size_t at(Piece piece, Part part) {
  return static_cast<std::size_t>(piece) * kPartCount + static_cast<std::size_t>(part);
}

OperatorInput operator_input(const spec::JobSpec& job, const spec::ModelSpec& model) {
  const spec::ParallelSpec& p = job.parallel;
  return {.model = model,
          .tokens = job.batch.tokens_per_micro_batch() / p.context,
          .sequence_length = job.batch.sequence_length,
          .tensor = p.tensor,
          .context = p.context,
          .expert_ranks = p.expert,
          .expert_tensor = p.expert_tensor,
          .precision = job.precision,
          .recomputation = job.recomputation};
}

void put(std::vector<Block>& blocks, Piece piece, Passes passes) {
  blocks[at(piece, Part::forward)] = std::move(passes.forward);
  blocks[at(piece, Part::backward)] = std::move(passes.backward);
  blocks[at(piece, Part::weight)] = std::move(passes.weight);
}

/// Cuts every product over all of a context's rows into `parts` by rows, as user buffers overlap
/// them with what the tensor group gathers or scatters (Transformer Engine): each part reads the
/// whole matrix.
void split_products(Block& block, std::int64_t rows, int parts) {
  std::vector<Operator> operators;
  for (Operator& op : block.operators) {
    const bool splits = op.shape.groups == 1 && op.shape.m == rows && rows % parts == 0;
    if (!splits) {
      operators.push_back(std::move(op));
      continue;
    }
    const auto n = static_cast<double>(op.shape.n);
    const auto k = static_cast<double>(op.shape.k);
    const double element = op.id == "gemm.bf16" ? kBf16 : 1;
    const Bytes matrix = bytes(n * k * element);
    Operator part = op;
    part.shape.m /= parts;
    part.work = op.work / parts;
    part.traffic = matrix + (op.traffic - matrix) / parts;
    part.what += ", in parts";
    operators.insert(operators.end(), static_cast<std::size_t>(parts), part);
  }
  block.operators = std::move(operators);
}

/// What the job overlaps with its tensor group's gathers and scatters; see StepWriter.
void split_overlapped_products(std::vector<Block>& blocks, const spec::JobSpec& job) {
  const spec::ParallelSpec& p = job.parallel;
  if (!job.overlap.tensor || p.tensor == 1) return;
  const std::int64_t rows = job.batch.tokens_per_micro_batch() / p.context;
  for (const Piece piece :
       {Piece::attention_in, Piece::attention_out, Piece::dense_in, Piece::dense_out}) {
    split_products(blocks[at(piece, Part::forward)], rows, p.tensor);
  }
  for (const Piece piece : {Piece::attention_out, Piece::dense_out}) {
    split_products(blocks[at(piece, Part::backward)], rows, p.tensor);
  }
}

}  // namespace

std::vector<Block> job_blocks(const spec::JobSpec& job, const spec::ModelSpec& model) {
  const OperatorInput in = operator_input(job, model);
  std::vector<Block> blocks(std::size_t{kPieceCount} * kPartCount);
  put(blocks, Piece::attention_in, attention_in(in));
  put(blocks, Piece::attention_core, attention_core(in));
  put(blocks, Piece::attention_out, attention_out(in));
  if (model.moe) {
    put(blocks, Piece::router, router(in));
    put(blocks, Piece::experts, experts(in));
    blocks[at(Piece::gradient_quantise, Part::backward)] = gradient_quantise(in);
  }
  if (!model.moe || model.moe->first_dense_layers > 0) {
    put(blocks, Piece::dense_in, dense_in(in));
    put(blocks, Piece::dense_out, dense_out(in));
  }
  put(blocks, Piece::embedding, embedding(in));
  put(blocks, Piece::head, head(in));
  if (model.mtp_depth > 0) put(blocks, Piece::mtp_input, mtp_input(in));
  split_overlapped_products(blocks, job);
  return blocks;
}

BlockTable::BlockTable(const spec::JobSpec& job, const spec::ModelSpec& model,
                       const spec::ProfileSpec& profile)
    : job_(job), profile_(profile) {
  const std::vector<Block> base = job_blocks(job, model);
  const bool has_pairs = job.schedule == spec::Schedule::dualpipe;
  index_.fill(-1);
  for (const Setting setting : {Setting::alone, Setting::paired}) {
    if (setting == Setting::paired && !has_pairs) continue;
    const spec::OperatorPlace place =
        setting == Setting::alone
            ? spec::OperatorPlace{.in_step = true}
            : spec::OperatorPlace{.sms = profile.gpu.sms - job.overlap.communication_sms,
                                  .beside = spec::Beside::communication,
                                  .in_step = true};
    for (std::size_t i = 0; i < base.size(); ++i) {
      if (base[i].operators.empty()) continue;
      index_[static_cast<std::size_t>(setting) * base.size() + i] =
          static_cast<int>(blocks_.size());
      blocks_.push_back(base[i]);
      if (setting == Setting::paired) blocks_.back().name += ", paired";
      time_block(blocks_.back(), profile, place);
    }
  }
}

int BlockTable::find(Piece piece, Part part, Setting setting) const {
  const std::size_t base = std::size_t{kPieceCount} * kPartCount;
  return index_[static_cast<std::size_t>(setting) * base + at(piece, part)];
}

int BlockTable::fuse(const std::vector<int>& run) {
  PW_CHECK(!run.empty());
  if (run.size() == 1) return run.front();
  const auto [found, is_new] = fused_.try_emplace(run, static_cast<int>(blocks_.size()));
  if (!is_new) return found->second;
  Block fused{.name = block(run.front()).name + " to " + block(run.back()).name, .is_fused = true};
  for (const int index : run) {
    const Block& part = block(index);
    fused.operators.insert(fused.operators.end(), part.operators.begin(), part.operators.end());
    fused.time += part.time;
    fused.estimated_time += part.estimated_time;
    fused.routed_time += part.routed_time;
  }
  blocks_.push_back(std::move(fused));
  return found->second;
}

int BlockTable::add_optimizer(double parameters, int pipeline_rank) {
  Block block = optimizer_update(parameters, job_.optimizer);
  block.name += ", pipeline rank " + std::to_string(pipeline_rank);
  time_block(block, profile_, {.in_step = true});
  blocks_.push_back(std::move(block));
  return static_cast<int>(blocks_.size()) - 1;
}

}  // namespace planewise::workload
