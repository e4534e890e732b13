// Memory of a rank; the formulas stand in the header and in docs/equations.md.
#include "model/memory.h"

#include <algorithm>

#include "base/check.h"
#include "model/model_size.h"

namespace planewise::model {
namespace {

constexpr double kBf16 = 2;
constexpr double kFp32 = 4;
constexpr double kMask = 1;  // Of dropout, a byte an element: arXiv 2205.05198, section 4.1.
// CUDA context, NCCL's channels, what the allocator cannot use: an allowance, estimated.
constexpr Bytes kAllowance = bytes(2e9);

/// Bytes of an input of a matrix product, and of a weight's copy beside its BF16 one.
struct ProductBytes {
  double input = kBf16;
  double weight_copy = 0;
};

ProductBytes product_bytes(spec::Precision precision) {
  switch (precision) {
    case spec::Precision::bf16:
      return {};
    case spec::Precision::fp8_blockwise:  // FP32 scales: 1 x 128 of inputs, 128 x 128 of weights.
      return {.input = 1 + kFp32 / 128, .weight_copy = 1 + kFp32 / (128 * 128)};
    case spec::Precision::fp8_tensorwise:
      return {.input = 1, .weight_copy = 1};
    case spec::Precision::mxfp8:  // One byte of scale for 32; rows and columns are scaled apart.
      return {.input = 1 + 1.0 / 32, .weight_copy = 2 * (1 + 1.0 / 32)};
    case spec::Precision::int4:  // Nothing is trained in it.
      break;
  }
  PW_UNREACHABLE("a precision without a size");
}

/// Whether a tensor that is cheap to compute again is kept.
struct Kept {
  double product = kBf16;      ///< B an element of an input of a matrix product.
  double cheap = kBf16;        ///< The same of a norm's or the activation's output.
  double gate = kBf16;         ///< B an element of gate and up.
  bool up_projections = true;  ///< mla: q, k and v rather than their latents.
};

Kept kept(const spec::JobSpec& job) {
  const double product = product_bytes(job.precision).input;
  const bool selective = job.recomputation == spec::Recomputation::selective;
  const bool blockwise = job.precision == spec::Precision::fp8_blockwise;
  return {.product = product,
          .cheap = selective ? 0 : product,
          .gate = blockwise ? product : kBf16,
          .up_projections = !selective};
}

/// Elements of one token between the attention's products.
struct AttentionWidth {
  double query = 0;
  double key_value = 0;
  double output = 0;   ///< Before the output projection.
  double latents = 0;  ///< mla: compressed query, keys and values, rotary key.
};

AttentionWidth attention_width(const spec::AttentionSpec& a) {
  const double heads = a.heads;
  if (a.kind == spec::AttentionKind::mla) {
    const double query_key = a.qk_nope_head_dim + a.qk_rope_head_dim;
    return {.query = heads * query_key,
            .key_value = heads * (query_key + a.v_head_dim),
            .output = heads * a.v_head_dim,
            .latents = static_cast<double>(a.q_lora_rank) + a.kv_lora_rank + a.qk_rope_head_dim};
  }
  const double kv_heads = a.kind == spec::AttentionKind::mha ? a.heads : a.kv_heads;
  return {.query = heads * a.head_dim,
          .key_value = 2 * kv_heads * a.head_dim,
          .output = heads * a.head_dim};
}

/// B a token: input and output of the norm, what the products and FlashAttention keep.
double attention_activation(const spec::ModelSpec& model, const Kept& keep) {
  const AttentionWidth width = attention_width(model.attention);
  const bool dropout = model.feed_forward == spec::FeedForward::gelu;
  double sum = model.hidden * (kBf16 + keep.cheap + (dropout ? kMask : 0));
  // The latents' norms have inputs and outputs of their own.
  sum += width.latents * (kBf16 + keep.cheap);
  if (width.latents == 0 || keep.up_projections) sum += kBf16 * (width.query + width.key_value);
  return sum + kBf16 * width.output + kFp32 * model.attention.heads;
}

/// B a token between the two products of a feed-forward of this width.
double feed_forward_inside(const spec::ModelSpec& model, double width, const Kept& keep) {
  const double first = model.feed_forward == spec::FeedForward::gelu ? kBf16 : 2 * keep.gate;
  return width * (first + keep.cheap);
}

/// Elements that a feed-forward's weight gradients need: its inputs and its outputs' gradients.
double feed_forward_put_off(const spec::ModelSpec& model, double width) {
  const double first = model.feed_forward == spec::FeedForward::gelu ? 1 : 2;
  return 2.0 * model.hidden + width * (first + 1);
}

double experts_width(const spec::ModelSpec& model, int experts) {
  return static_cast<double>(experts) * model.moe->expert_intermediate;
}

}  // namespace

LayerActivation layer_activation(const spec::ModelSpec& model, const spec::JobSpec& job,
                                 LayerKind kind) {
  const double hidden = model.hidden;
  if (job.recomputation == spec::Recomputation::full) return {.shared = bytes(kBf16 * hidden)};
  const Kept keep = kept(job);
  const AttentionWidth width = attention_width(model.attention);
  const bool dropout = model.feed_forward == spec::FeedForward::gelu;
  double shared = attention_activation(model, keep);
  shared += hidden * (kBf16 + keep.cheap + (dropout ? kMask : 0));  // Norm, its output, the mask.
  double put_off = 2 * hidden + 2 * width.latents + width.query + width.key_value + width.output;
  double experts = 0;
  if (kind == LayerKind::dense) {
    const double inside = model.intermediate;
    shared += feed_forward_inside(model, inside, keep);
    put_off += feed_forward_put_off(model, inside);
  } else {
    const spec::MoeSpec& moe = *model.moe;
    const double together = experts_width(model, moe.shared_experts);
    const double own = experts_width(model, moe.experts_per_token);
    shared += feed_forward_inside(model, together, keep) + kFp32 * moe.routed_experts;
    experts = moe.experts_per_token * hidden * keep.product + feed_forward_inside(model, own, keep);
    if (moe.shared_experts > 0) put_off += feed_forward_put_off(model, together);
    put_off += feed_forward_put_off(model, own) + 2 * hidden * (moe.experts_per_token - 1);
  }
  return {
      .shared = bytes(shared), .experts = bytes(experts), .put_off = bytes(put_off * keep.product)};
}

namespace {

/// Parameters of all chunks, and over how many ranks each kind is the same.
struct HeldParameters {
  double shared = 0;
  double expert = 0;
  double in_products = 0;
  double shared_ranks = 1;
  double expert_ranks = 1;

  double sharded() const { return shared / shared_ranks + expert / expert_ranks; }
};

HeldParameters held_parameters(const MemoryInput& in) {
  const spec::ParallelSpec& parallel = in.job.parallel;
  const ModelSize size = model_size(in.model);
  HeldParameters sum;
  bool embedding = false;
  bool copy = false;
  for (const HeldChunk& chunk : in.chunks) {
    const StageContent& content = chunk.content;
    embedding = embedding || content.embedding;
    copy = copy || (!content.embedding && (content.mtp || (content.head && size.head == 0)));
    const RankParameters held = rank_parameters(chunk.content, size,
                                                {.tensor = parallel.tensor,
                                                 .expert = parallel.expert,
                                                 .expert_tensor = parallel.expert_tensor});
    sum.shared += held.shared;
    sum.expert += held.expert;
    sum.in_products += held.products;
  }
  if (embedding && copy) {
    sum.shared -= static_cast<double>(size.input_embedding) / parallel.tensor;
  }
  // Under dualpipe each stage is on two pipeline ranks, which share its optimizer states.
  const double copies = in.job.schedule == spec::Schedule::dualpipe ? 2 : 1;
  sum.shared_ranks = copies * parallel.data * parallel.context;
  sum.expert_ranks = copies * static_cast<double>(parallel.ranks_per_stage()) /
                     (static_cast<double>(parallel.expert) * parallel.expert_tensor);
  return sum;
}

/// Tokens of a micro-batch that a rank has between its tensor group's gathers.
double tokens_of_rank(const spec::JobSpec& job) {
  return static_cast<double>(job.batch.tokens_per_micro_batch()) /
         (static_cast<double>(job.parallel.tensor) * job.parallel.context);
}

Bytes per_layer(const LayerActivation& layer) { return layer.shared + layer.experts; }

/// Of one micro-batch, a token: every layer of a chunk, and the head's logits and their input.
Bytes chunk_activation(const MemoryInput& in, const StageContent& content) {
  const std::int64_t moe = content.moe_layers + (content.mtp && in.model.moe ? 1 : 0);
  const std::int64_t dense = content.dense_layers + (content.mtp && !in.model.moe ? 1 : 0);
  Bytes sum{};
  if (dense > 0) {
    sum += static_cast<double>(dense) *
           per_layer(layer_activation(in.model, in.job, LayerKind::dense));
  }
  if (moe > 0) {
    sum += static_cast<double>(moe) * per_layer(layer_activation(in.model, in.job, LayerKind::moe));
  }
  const double heads = (content.head ? 1 : 0) + (content.mtp ? 1 : 0);
  return sum + bytes(heads * (kFp32 * static_cast<double>(in.model.vocabulary) +
                              2 * kBf16 * in.model.hidden));
}

Bytes chunk_put_off(const MemoryInput& in, const StageContent& content) {
  Bytes sum{};
  if (content.dense_layers > 0) {
    sum += static_cast<double>(content.dense_layers) *
           layer_activation(in.model, in.job, LayerKind::dense).put_off;
  }
  if (content.moe_layers > 0) {
    sum += static_cast<double>(content.moe_layers) *
           layer_activation(in.model, in.job, LayerKind::moe).put_off;
  }
  return sum;
}

/// A token of the largest kind of layer that the rank holds, nothing recomputed.
Bytes largest_layer(const MemoryInput& in) {
  spec::JobSpec plain = in.job;
  plain.recomputation = spec::Recomputation::none;
  Bytes largest{};
  for (const HeldChunk& chunk : in.chunks) {
    if (chunk.content.dense_layers > 0) {
      largest = std::max(largest, per_layer(layer_activation(in.model, plain, LayerKind::dense)));
    }
    if (chunk.content.moe_layers > 0) {
      largest = std::max(largest, per_layer(layer_activation(in.model, plain, LayerKind::moe)));
    }
  }
  return largest;
}

Bytes activations(const MemoryInput& in) {
  Bytes a_token{};
  Bytes put_off{};
  for (const HeldChunk& chunk : in.chunks) {
    a_token += static_cast<double>(chunk.in_flight) * chunk_activation(in, chunk.content);
    put_off = std::max(put_off, chunk_put_off(in, chunk.content));
  }
  a_token += static_cast<double>(in.weights_pending) * put_off;
  if (in.job.recomputation == spec::Recomputation::full) a_token += largest_layer(in);
  return tokens_of_rank(in.job) * a_token;
}

Bytes buffers(const MemoryInput& in, const HeldParameters& held) {
  const spec::ParallelSpec& parallel = in.job.parallel;
  const Bytes row = bytes(kBf16 * in.model.hidden);
  const double tokens = tokens_of_rank(in.job);
  Bytes sum = kAllowance;
  // Sent and received, forwards and backwards.
  if (parallel.pipeline > 1) sum += 4 * tokens * row;
  // The whole sequence of a tensor group, for one product and for its gradient.
  if (parallel.tensor > 1) sum += 2 * tokens * parallel.tensor * row;
  if (in.model.moe && parallel.expert > 1) {
    const double rows = tokens * in.model.moe->experts_per_token;
    // Received by the dispatch, and what the combine sends back.
    sum += rows * (bytes(product_bytes(in.job.precision).input * in.model.hidden) + row);
  }
  if (in.job.optimizer.sharding == spec::Sharding::fsdp) {
    std::int64_t layers = 0;
    for (const HeldChunk& chunk : in.chunks) layers += chunk.content.layers();
    const double layer =
        (held.shared + held.expert) / static_cast<double>(std::max<std::int64_t>(1, layers));
    sum += bytes(layer * (2 * kBf16 + in.job.optimizer.gradient_bytes));
  }
  return sum;
}

}  // namespace

Bytes Memory::total() const {
  Bytes sum{};
  for (const Bytes each : uses) sum += each;
  return sum;
}

Memory rank_memory(const MemoryInput& in) {
  const spec::OptimizerSpec& optimizer = in.job.optimizer;
  const HeldParameters held = held_parameters(in);
  const double all = held.shared + held.expert;
  const bool fsdp = optimizer.sharding == spec::Sharding::fsdp;
  const double of_weights = fsdp ? held.sharded() : all;
  const double of_states = optimizer.sharding == spec::Sharding::none ? all : held.sharded();
  const double copied = fsdp
                            ? held.in_products / held.shared_ranks + held.expert / held.expert_ranks
                            : held.in_products + held.expert;
  Memory memory;
  memory.uses = {
      bytes(kBf16 * of_weights + product_bytes(in.job.precision).weight_copy * copied),
      bytes(static_cast<double>(optimizer.gradient_bytes) * of_weights),
      bytes(static_cast<double>(optimizer.master_bytes + 2 * optimizer.moment_bytes) * of_states),
      activations(in), buffers(in, held)};
  const auto largest = std::max_element(memory.uses.begin(), memory.uses.end());
  memory.largest = static_cast<MemoryUse>(largest - memory.uses.begin());
  memory.fits = memory.total() <= in.gpu_memory;
  return memory;
}

}  // namespace planewise::model
