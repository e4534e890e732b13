#include "calibration/cuda/bench_attention.h"

#include <fmt/format.h>

#include <numeric>
#include <utility>

#include "base/random.h"
#include "calibration/cuda/attention.h"
#include "calibration/cuda/attention_samples.h"
#include "calibration/cuda/byte_work.h"
#include "calibration/cuda/decode.h"
#include "calibration/cuda/gpu_bench.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/reference.h"

namespace planewise::calibration {
namespace {

using Bits = std::uint16_t;
using Checks = std::vector<CheckResult>;

/// Probabilities and score gradients are rounded to BF16 on the way.
constexpr double kAttentionLimit = 2e-4;

/// Sets that fit; 0 and the reason if none does.
int sets_for(const std::vector<std::int64_t>& buffers, const Device& device, std::string& reason) {
  const std::int64_t bytes = std::accumulate(buffers.begin(), buffers.end(), std::int64_t{0});
  const int sets = input_sets(bytes, device.l2_bytes(), device.free_bytes());
  if (sets == 0) {
    reason = fmt::format("needs {:.1f} GB, more than half of the memory that is free",
                         static_cast<double>(bytes) * 1e-9);
  }
  return sets;
}

// ---- Causal attention ----

/// Buffers; those from the gradient of o on are for the backward alone.
enum At : int { kQ = 0, kK, kV, kO, kLogSums, kDO, kDQ, kDK, kDV };

std::vector<std::int64_t> causal_buffers(const AttentionOptions& o) {
  const std::int64_t rows = o.batch * o.sequence * o.heads;
  const std::int64_t qk = 2 * rows * o.qk_dim;
  const std::int64_t v = 2 * rows * o.v_dim;
  std::vector<std::int64_t> bytes = {qk, qk, v, v, 4 * rows};
  if (o.backward) bytes.insert(bytes.end(), {v, qk, qk, v});
  return bytes;
}

struct Causal {
  AttentionOptions options;
  std::unique_ptr<Attention> attention;
  BufferSets buffers;

  Bits* at(int set, At buffer) const { return buffers.at<Bits>(set, buffer); }
  std::int64_t qk_count() const {
    return options.batch * options.sequence * options.heads * options.qk_dim;
  }
  std::int64_t v_count() const {
    return options.batch * options.sequence * options.heads * options.v_dim;
  }
};

void launch_forward(const Causal& c, int set, cudaStream_t stream) {
  c.attention->forward({.q = c.at(set, kQ),
                        .k = c.at(set, kK),
                        .v = c.at(set, kV),
                        .o = c.at(set, kO),
                        .log_sums = c.buffers.at<float>(set, kLogSums)},
                       stream);
}

void launch_backward(const Causal& c, int set, cudaStream_t stream) {
  c.attention->backward({.q = c.at(set, kQ),
                         .k = c.at(set, kK),
                         .v = c.at(set, kV),
                         .o = c.at(set, kO),
                         .d_o = c.at(set, kDO),
                         .log_sums = c.buffers.at<float>(set, kLogSums),
                         .d_q = c.at(set, kDQ),
                         .d_k = c.at(set, kDK),
                         .d_v = c.at(set, kDV)},
                        stream);
}

/// One head of the first sequence of set 0, [sequence, columns].
std::vector<float> head_of(const Causal& c, At buffer, std::int64_t columns, std::int64_t head,
                           cudaStream_t stream) {
  const auto width = static_cast<std::size_t>(2 * columns);
  std::vector<Bits> bits(static_cast<std::size_t>(c.options.sequence * columns));
  PW_CUDA(cudaMemcpy2DAsync(bits.data(), width, c.at(0, buffer) + head * columns,
                            width * static_cast<std::size_t>(c.options.heads), width,
                            static_cast<std::size_t>(c.options.sequence), cudaMemcpyDeviceToHost,
                            stream));
  PW_CUDA(cudaStreamSynchronize(stream));
  return host::from_bf16(bits);
}

AttentionHead attention_head(const Causal& c, std::int64_t head, cudaStream_t stream) {
  const std::int64_t qk = c.options.qk_dim;
  const std::int64_t v = c.options.v_dim;
  AttentionHead h{.sequence = c.options.sequence,
                  .qk_columns = qk,
                  .v_columns = v,
                  .q = head_of(c, kQ, qk, head, stream),
                  .k = head_of(c, kK, qk, head, stream),
                  .v = head_of(c, kV, v, head, stream),
                  .o = head_of(c, kO, v, head, stream),
                  .log_sums = to_host(c.buffers.at<float>(0, kLogSums) + head * c.options.sequence,
                                      c.options.sequence, stream)};
  if (c.options.backward) h.d_o = head_of(c, kDO, v, head, stream);
  return h;
}

std::vector<float> token_of(const std::vector<float>& rows, std::int64_t token,
                            std::int64_t columns) {
  const auto first = rows.begin() + token * columns;
  return {first, first + columns};
}

/// Sampled tokens of one head: `ours` as the GPU left them, `expected` by the processor.
struct Sampled {
  const char* what = "";
  const std::vector<float>& ours;
  std::int64_t columns = 0;
  std::vector<float> (*expected)(const AttentionHead&, std::int64_t) = nullptr;
};

CheckResult check_tokens(const AttentionHead& h, const Sampled& s, std::uint64_t seed) {
  constexpr int kTokens = 6;
  Random random(seed);
  std::vector<float> ours;
  std::vector<float> expected;
  for (int i = 0; i < kTokens; ++i) {
    const std::int64_t token = i == 0 ? h.sequence - 1 : random.integer(0, h.sequence - 1);
    const auto mine = token_of(s.ours, token, s.columns);
    const auto theirs = s.expected(h, token);
    ours.insert(ours.end(), mine.begin(), mine.end());
    expected.insert(expected.end(), theirs.begin(), theirs.end());
  }
  CheckResult result = row_check(ours, expected, kAttentionLimit);
  result.reference = fmt::format("sampled rows of {}", s.what);
  return result;
}

Checks check_causal(const Causal& c, std::uint64_t seed, cudaStream_t stream) {
  const std::int64_t qk = c.options.qk_dim;
  const std::int64_t v = c.options.v_dim;
  const std::int64_t head = Random(seed).integer(0, c.options.heads - 1);
  const AttentionHead h = attention_head(c, head, stream);
  Checks checks = {check_tokens(
      h, {.what = "o", .ours = h.o, .columns = v, .expected = attention_output}, seed)};
  if (!c.options.backward) return checks;
  const auto d_q = head_of(c, kDQ, qk, head, stream);
  const auto d_k = head_of(c, kDK, qk, head, stream);
  const auto d_v = head_of(c, kDV, v, head, stream);
  for (const Sampled& s :
       {Sampled{.what = "dq", .ours = d_q, .columns = qk, .expected = attention_gradient_q},
        Sampled{.what = "dk", .ours = d_k, .columns = qk, .expected = attention_gradient_k},
        Sampled{.what = "dv", .ours = d_v, .columns = v, .expected = attention_gradient_v}}) {
    checks.push_back(check_tokens(h, s, seed));
  }
  return checks;
}

void fill_causal(const Causal& c, std::uint64_t seed, cudaStream_t stream) {
  for (int set = 0; set < c.buffers.count(); ++set) {
    const std::uint64_t own = fold_bits(seed, static_cast<std::uint64_t>(set));
    fill_normal(c.at(set, kQ), c.qk_count(), 1, fold_bits(own, 1), stream);
    fill_normal(c.at(set, kK), c.qk_count(), 1, fold_bits(own, 2), stream);
    fill_normal(c.at(set, kV), c.v_count(), 1, fold_bits(own, 3), stream);
    if (!c.options.backward) continue;
    fill_normal(c.at(set, kDO), c.v_count(), 1, fold_bits(own, 4), stream);
    launch_forward(c, set, stream);  // o and log-sums are inputs of the backward
  }
}

std::variant<std::unique_ptr<Bench>, NotMeasured> causal_bench(const Measurement& m,
                                                               const LayerSizes& sizes,
                                                               const Device& device) {
  const AttentionOptions options{.heads = sizes.heads,
                                 .qk_dim = sizes.qk_nope_head_dim + sizes.qk_rope_head_dim,
                                 .v_dim = sizes.v_head_dim,
                                 .batch = m.rows / m.sequence,
                                 .sequence = m.sequence,
                                 .backward = m.kernel == Kernel::attention_backward};
  auto made = make_attention(options);
  if (const auto* refusal = std::get_if<NotMeasured>(&made)) return *refusal;
  std::string reason;
  const int sets = sets_for(causal_buffers(options), device, reason);
  if (sets == 0) return NotMeasured{reason};
  const auto c =
      std::make_shared<Causal>(Causal{.options = options,
                                      .attention = std::move(std::get<0>(made)),
                                      .buffers = BufferSets(sets, causal_buffers(options))});
  GpuWork work{.sets = sets,
               .implementation = c->attention->implementation(),
               .proxy = c->attention->proxy(),
               .kernels = options.backward ? c->attention->backward_kernels()
                                           : c->attention->forward_kernels()};
  work.fill = [c](std::uint64_t seed, cudaStream_t stream) { fill_causal(*c, seed, stream); };
  work.poison = [c](cudaStream_t stream) {
    const std::vector<At> outputs =
        c->options.backward ? std::vector<At>{kDQ, kDK, kDV} : std::vector<At>{kO, kLogSums};
    for (const At buffer : outputs) c->buffers.poison(buffer, stream);
  };
  work.launch = [c](int set, cudaStream_t stream) {
    c->options.backward ? launch_backward(*c, set, stream) : launch_forward(*c, set, stream);
  };
  work.compare = [c](std::uint64_t seed, cudaStream_t stream) {
    return check_causal(*c, seed, stream);
  };
  return make_gpu_bench(std::move(work), m, device);
}

// ---- Decode: buffers are queries, cache, results ----

struct Decoding {
  DecodeOptions options;
  std::unique_ptr<Decode> decode;
  BufferSets buffers;

  std::int64_t key() const { return options.latent + options.rope; }
};

/// One head of one sequence.
Checks check_decode(const Decoding& d, std::uint64_t seed, cudaStream_t stream) {
  Random random(seed);
  const DecodeOptions& o = d.options;
  std::vector<float> ours;
  std::vector<float> expected;
  for (int i = 0; i < 4; ++i) {
    const std::int64_t sequence = random.integer(0, o.batch - 1);
    const std::int64_t row = sequence * o.heads + random.integer(0, o.heads - 1);
    const auto query = to_host(d.buffers.at<Bits>(0, 0) + row * d.key(), d.key(), stream);
    const auto cache = to_host(d.buffers.at<Bits>(0, 1) + sequence * o.sequence * d.key(),
                               o.sequence * d.key(), stream);
    const auto mine = to_host(d.buffers.at<Bits>(0, 2) + row * o.latent, o.latent, stream);
    const auto theirs = host::attention_decode(
        query, cache,
        {.sequence = o.sequence, .latent = o.latent, .rope = o.rope, .qk_columns = o.qk_dim});
    ours.insert(ours.end(), mine.begin(), mine.end());
    expected.insert(expected.end(), theirs.begin(), theirs.end());
  }
  return {row_check(ours, expected, kAttentionLimit)};
}

std::variant<std::unique_ptr<Bench>, NotMeasured> decode_bench(const Measurement& m,
                                                               const LayerSizes& sizes,
                                                               const Device& device) {
  const DecodeOptions options{.heads = sizes.heads,
                              .latent = sizes.kv_lora_rank,
                              .rope = sizes.qk_rope_head_dim,
                              .qk_dim = sizes.qk_nope_head_dim + sizes.qk_rope_head_dim,
                              .batch = m.rows,
                              .sequence = m.sequence,
                              .sms = m.sms};
  auto made = Decode::make(options);
  if (const auto* refusal = std::get_if<NotMeasured>(&made)) return *refusal;
  const std::int64_t key = options.latent + options.rope;
  const std::vector<std::int64_t> bytes = {2 * m.rows * options.heads * key,
                                           2 * m.rows * m.sequence * key,
                                           2 * m.rows * options.heads * options.latent};
  std::string reason;
  const int sets = sets_for(bytes, device, reason);
  if (sets == 0) return NotMeasured{reason};
  const auto d = std::make_shared<Decoding>(Decoding{.options = options,
                                                     .decode = std::move(std::get<0>(made)),
                                                     .buffers = BufferSets(sets, bytes)});
  GpuWork work{
      .sets = sets, .implementation = d->decode->implementation(), .kernels = d->decode->kernels()};
  work.fill = [d](std::uint64_t seed, cudaStream_t stream) {
    const DecodeOptions& o = d->options;
    for (int set = 0; set < d->buffers.count(); ++set) {
      const std::uint64_t own = fold_bits(seed, static_cast<std::uint64_t>(set));
      fill_normal(d->buffers.at<Bits>(set, 0), o.batch * o.heads * d->key(), 1, own, stream);
      fill_normal(d->buffers.at<Bits>(set, 1), o.batch * o.sequence * d->key(), 1,
                  fold_bits(own, 1), stream);
    }
  };
  work.poison = [d](cudaStream_t stream) { d->buffers.poison(2, stream); };
  work.launch = [d](int set, cudaStream_t stream) {
    d->decode->launch(d->buffers.at<Bits>(set, 0), d->buffers.at<Bits>(set, 1),
                      d->buffers.at<Bits>(set, 2), stream);
  };
  work.compare = [d](std::uint64_t seed, cudaStream_t stream) {
    return check_decode(*d, seed, stream);
  };
  return make_gpu_bench(std::move(work), m, device);
}

}  // namespace

std::variant<std::unique_ptr<Bench>, NotMeasured> make_attention_bench(const Measurement& m,
                                                                       const LayerSizes& sizes,
                                                                       const Device& device) {
  if (m.kernel == Kernel::attention_decode) return decode_bench(m, sizes, device);
  return causal_bench(m, sizes, device);
}

}  // namespace planewise::calibration
