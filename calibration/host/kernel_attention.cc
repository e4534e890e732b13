// Timed attention: one pass over the keys with a running maximum (arXiv 2205.14135), and its
// backward from log-sums.
#include <algorithm>
#include <cmath>
#include <vector>

#include "calibration/host/kernel_loops.h"
#include "calibration/host/kernels.h"

namespace planewise::calibration::host {
namespace {

/// One head of one sequence: [sequence, columns], as FP32.
std::vector<float> head_of(std::span<const Bits> x, const AttentionSizes& s, std::int64_t batch,
                           std::int64_t head, std::int64_t columns) {
  std::vector<float> rows(at(s.sequence * columns));
  for (std::int64_t token = 0; token < s.sequence; ++token) {
    const std::int64_t from = ((batch * s.sequence + token) * s.heads + head) * columns;
    for (std::int64_t i = 0; i < columns; ++i) {
      rows[at(token * columns + i)] = widen(x[at(from + i)]);
    }
  }
  return rows;
}

float dot(const float* x, const float* y, std::int64_t count) {
  float sums[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int lane = 0; lane < 8; ++lane) sums[lane] += x[i + lane] * y[i + lane];
  }
  float sum = 0;
  for (const float part : sums) sum += part;
  for (; i < count; ++i) sum += x[i] * y[i];
  return sum;
}

/// Softmax over keys as they come.
class Running {
 public:
  explicit Running(std::int64_t columns) : sum_(at(columns)) {}

  void add(float score, const float* value) {
    const float most = std::max(most_, score);
    const float shrink = std::exp(most_ - most);
    const float weight = std::exp(score - most);
    for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] = shrink * sum_[i] + weight * value[i];
    all_ = shrink * all_ + weight;
    most_ = most;
  }
  float result(std::size_t i) const { return sum_[i] / all_; }
  float log_sum() const { return most_ + std::log(all_); }

 private:
  std::vector<float> sum_;
  float all_ = 0;
  float most_ = -INFINITY;
};

/// A head's parts of the backward.
struct BackwardHead {
  std::vector<float> q, k, v, o, d_o;
  std::vector<float> d_q, d_k, d_v;
};

void backward_of(BackwardHead& h, const float* log_sums, const AttentionSizes& s) {
  const float scale = 1 / std::sqrt(static_cast<float>(s.qk_columns));
  for (std::int64_t query = 0; query < s.sequence; ++query) {
    const float* q = h.q.data() + query * s.qk_columns;
    const float* d_o = h.d_o.data() + query * s.v_columns;
    const float own = dot(d_o, h.o.data() + query * s.v_columns, s.v_columns);
    for (std::int64_t key = 0; key <= query; ++key) {
      const float* k = h.k.data() + key * s.qk_columns;
      const float p = std::exp(scale * dot(q, k, s.qk_columns) - log_sums[query]);
      const float* v = h.v.data() + key * s.v_columns;
      const float d_score = scale * p * (dot(d_o, v, s.v_columns) - own);
      add_scaled(p, d_o, s.v_columns, h.d_v.data() + key * s.v_columns);
      add_scaled(d_score, k, s.qk_columns, h.d_q.data() + query * s.qk_columns);
      add_scaled(d_score, q, s.qk_columns, h.d_k.data() + key * s.qk_columns);
    }
  }
}

void put_head(const std::vector<float>& rows, const AttentionSizes& s, std::int64_t batch,
              std::int64_t head, std::int64_t columns, std::span<float> to) {
  for (std::int64_t token = 0; token < s.sequence; ++token) {
    const std::int64_t first = ((batch * s.sequence + token) * s.heads + head) * columns;
    std::copy_n(rows.begin() + token * columns, columns, to.begin() + first);
  }
}

}  // namespace

void fast_attention(std::span<const Bits> q, std::span<const Bits> k, std::span<const Bits> v,
                    const AttentionSizes& s, std::span<Bits> o, std::span<float> log_sums) {
  const float scale = 1 / std::sqrt(static_cast<float>(s.qk_columns));
  for (std::int64_t each = 0; each < s.batch * s.heads; ++each) {
    const std::int64_t batch = each / s.heads;
    const std::int64_t head = each % s.heads;
    const auto queries = head_of(q, s, batch, head, s.qk_columns);
    const auto keys = head_of(k, s, batch, head, s.qk_columns);
    const auto values = head_of(v, s, batch, head, s.v_columns);
    for (std::int64_t query = 0; query < s.sequence; ++query) {
      Running running(s.v_columns);
      for (std::int64_t key = 0; key <= query; ++key) {
        running.add(scale * dot(queries.data() + query * s.qk_columns,
                                keys.data() + key * s.qk_columns, s.qk_columns),
                    values.data() + key * s.v_columns);
      }
      const std::int64_t to = ((batch * s.sequence + query) * s.heads + head) * s.v_columns;
      for (std::int64_t i = 0; i < s.v_columns; ++i) o[at(to + i)] = narrow(running.result(at(i)));
      log_sums[at(each * s.sequence + query)] = running.log_sum();
    }
  }
}

void fast_attention_backward(std::span<const Bits> q, std::span<const Bits> k,
                             std::span<const Bits> v, std::span<const Bits> o,
                             std::span<const Bits> d_o, std::span<const float> log_sums,
                             const AttentionSizes& s, const AttentionGradientSpans& to) {
  for (std::int64_t each = 0; each < s.batch * s.heads; ++each) {
    const std::int64_t batch = each / s.heads;
    const std::int64_t head = each % s.heads;
    BackwardHead h{.q = head_of(q, s, batch, head, s.qk_columns),
                   .k = head_of(k, s, batch, head, s.qk_columns),
                   .v = head_of(v, s, batch, head, s.v_columns),
                   .o = head_of(o, s, batch, head, s.v_columns),
                   .d_o = head_of(d_o, s, batch, head, s.v_columns),
                   .d_q = std::vector<float>(at(s.sequence * s.qk_columns)),
                   .d_k = std::vector<float>(at(s.sequence * s.qk_columns)),
                   .d_v = std::vector<float>(at(s.sequence * s.v_columns))};
    backward_of(h, log_sums.data() + each * s.sequence, s);
    put_head(h.d_q, s, batch, head, s.qk_columns, to.d_q);
    put_head(h.d_k, s, batch, head, s.qk_columns, to.d_k);
    put_head(h.d_v, s, batch, head, s.v_columns, to.d_v);
  }
}

void fast_decode(std::span<const Bits> queries, std::span<const Bits> cache, const DecodeSizes& s,
                 std::span<Bits> results) {
  const std::int64_t width = s.latent + s.rope;
  const float scale = 1 / std::sqrt(static_cast<float>(s.qk_columns));
  std::vector<float> keys(at(s.sequence * width));
  std::vector<float> query(at(width));
  for (std::int64_t batch = 0; batch < s.batch; ++batch) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i] = widen(cache[at(batch * s.sequence * width) + i]);
    }
    for (std::int64_t head = 0; head < s.heads; ++head) {
      const std::int64_t row = batch * s.heads + head;
      for (std::int64_t i = 0; i < width; ++i) query[at(i)] = widen(queries[at(row * width + i)]);
      Running running(s.latent);
      for (std::int64_t key = 0; key < s.sequence; ++key) {
        const float* at_key = keys.data() + key * width;
        running.add(scale * dot(query.data(), at_key, width), at_key);
      }
      for (std::int64_t i = 0; i < s.latent; ++i) {
        results[at(row * s.latent + i)] = narrow(running.result(at(i)));
      }
    }
  }
}

}  // namespace planewise::calibration::host
