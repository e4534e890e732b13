// Attention on the processor against the sums of reference.h.
#include <memory>

#include "base/random.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"
#include "calibration/host/kernel_loops.h"

namespace planewise::calibration::host {
namespace {

// ---- Causal ----

struct CausalSet {
  std::vector<Bits> q{}, k{}, v{}, o{}, d_o{};
  std::vector<float> log_sums{};
  std::vector<float> d_q{}, d_k{}, d_v{};
};

struct Causal {
  AttentionSizes sizes{};
  bool is_backward = false;
  std::vector<CausalSet> sets = std::vector<CausalSet>(2);
};

void forward(const Causal& c, CausalSet& set) {
  fast_attention(set.q, set.k, set.v, c.sizes, set.o, set.log_sums);
}

void fill(Causal& c, std::uint64_t seed) {
  const AttentionSizes& s = c.sizes;
  const std::int64_t rows = s.batch * s.sequence * s.heads;
  for (std::size_t i = 0; i < c.sets.size(); ++i) {
    CausalSet& set = c.sets[i];
    const std::uint64_t own = fold_bits(seed, i);
    set.q = random_bits(rows * s.qk_columns, 1, fold_bits(own, 1));
    set.k = random_bits(rows * s.qk_columns, 1, fold_bits(own, 2));
    set.v = random_bits(rows * s.v_columns, 1, fold_bits(own, 3));
    set.o.resize(at(rows * s.v_columns));
    set.log_sums.resize(at(rows));
    if (!c.is_backward) continue;
    set.d_o = random_bits(rows * s.v_columns, 1, fold_bits(own, 4));
    set.d_q.resize(at(rows * s.qk_columns));
    set.d_k.resize(at(rows * s.qk_columns));
    set.d_v.resize(at(rows * s.v_columns));
    forward(c, set);
  }
}

void launch(Causal& c, CausalSet& set) {
  if (!c.is_backward) {
    forward(c, set);
    return;
  }
  for (std::vector<float>* sum : {&set.d_q, &set.d_k, &set.d_v}) {
    std::fill(sum->begin(), sum->end(), 0.0F);
  }
  fast_attention_backward(set.q, set.k, set.v, set.o, set.d_o, set.log_sums, c.sizes,
                          {.d_q = set.d_q, .d_k = set.d_k, .d_v = set.d_v});
}

std::vector<CheckResult> compare(const Causal& c) {
  const CausalSet& set = c.sets.front();
  const std::vector<float> q = from_bf16(set.q);
  const std::vector<float> k = from_bf16(set.k);
  const std::vector<float> v = from_bf16(set.v);
  if (!c.is_backward) {
    const AttentionResult expected = attention(q, k, v, c.sizes);
    return {difference_check("dequantised", from_bf16(set.o), expected.o, kDequantisedLimit),
            difference_check("dequantised", set.log_sums, expected.log_sums, 1e-9)};
  }
  const AttentionGradients expected = attention_backward(q, k, v, from_bf16(set.d_o), c.sizes);
  // o comes in as BF16 left it.
  return {difference_check("dequantised, dq", set.d_q, expected.d_q, kDequantisedLimit),
          difference_check("dequantised, dk", set.d_k, expected.d_k, kDequantisedLimit),
          difference_check("dequantised, dv", set.d_v, expected.d_v, kDequantisedLimit)};
}

HostWork causal_work(const Measurement& m, const LayerSizes& s) {
  const auto c = std::make_shared<Causal>(
      Causal{.sizes = {.batch = m.rows / m.sequence,
                       .sequence = m.sequence,
                       .heads = s.heads,
                       .qk_columns = s.qk_nope_head_dim + s.qk_rope_head_dim,
                       .v_columns = s.v_head_dim},
             .is_backward = m.kernel == Kernel::attention_backward});
  return {.fill = [c](std::uint64_t seed) { fill(*c, seed); },
          .poison =
              [c] {
                for (CausalSet& set : c->sets) {
                  if (!c->is_backward) {
                    poison(std::span(set.o));
                    poison(std::span(set.log_sums));
                  }
                  for (std::vector<float>* sum : {&set.d_q, &set.d_k, &set.d_v}) {
                    poison(std::span(*sum));
                  }
                }
              },
          .launch = [c](int set) { launch(*c, c->sets.at(static_cast<std::size_t>(set))); },
          .compare = [c](std::uint64_t) { return compare(*c); }};
}

// ---- Decode ----

struct DecodeSet {
  std::vector<Bits> queries{}, cache{}, results{};
};

struct Decode {
  DecodeSizes sizes{};
  std::vector<DecodeSet> sets = std::vector<DecodeSet>(2);
};

void fill(Decode& d, std::uint64_t seed) {
  const DecodeSizes& s = d.sizes;
  const std::int64_t width = s.latent + s.rope;
  for (std::size_t i = 0; i < d.sets.size(); ++i) {
    DecodeSet& set = d.sets[i];
    set.queries = random_bits(s.batch * s.heads * width, 1, fold_bits(seed, 2 * i));
    set.cache = random_bits(s.batch * s.sequence * width, 1, fold_bits(seed, 2 * i + 1));
    set.results.resize(at(s.batch * s.heads * s.latent));
  }
}

HostWork decode_work(const Measurement& m, const LayerSizes& s) {
  const auto d = std::make_shared<Decode>(
      Decode{.sizes = {.batch = m.rows,
                       .sequence = m.sequence,
                       .heads = s.heads,
                       .latent = s.kv_lora_rank,
                       .rope = s.qk_rope_head_dim,
                       .qk_columns = s.qk_nope_head_dim + s.qk_rope_head_dim}});
  return {.fill = [d](std::uint64_t seed) { fill(*d, seed); },
          .poison =
              [d] {
                for (DecodeSet& set : d->sets) poison(std::span(set.results));
              },
          .launch =
              [d](int index) {
                DecodeSet& set = d->sets.at(static_cast<std::size_t>(index));
                fast_decode(set.queries, set.cache, d->sizes, set.results);
              },
          .compare = [d](std::uint64_t) -> std::vector<CheckResult> {
            const DecodeSet& set = d->sets.front();
            return {difference_check(
                "dequantised", from_bf16(set.results),
                attention_decode(from_bf16(set.queries), from_bf16(set.cache), d->sizes),
                kDequantisedLimit)};
          }};
}

}  // namespace

HostWork attention_work(const Measurement& m, const LayerSizes& sizes) {
  return m.kernel == Kernel::attention_decode ? decode_work(m, sizes) : causal_work(m, sizes);
}

}  // namespace planewise::calibration::host
