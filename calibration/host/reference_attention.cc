// Attention: causal with keys and values a head, and decode over a latent cache.
#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "calibration/host/reference.h"

namespace planewise::calibration::host {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

double dot(std::span<const float> x, std::span<const float> y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * y[i];
  return sum;
}

struct Softmax {
  std::vector<double> probabilities{};
  double log_sum = 0;
};

Softmax softmax(std::vector<double> scores) {
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  for (double& score : scores) score /= sum;
  return {std::move(scores), most + std::log(sum)};
}

/// Rows of q and k, or of v and o.
class Rows {
 public:
  Rows(std::span<const float> values, const AttentionSizes& sizes, std::int64_t columns)
      : values_(values), sizes_(sizes), columns_(columns) {
    PW_CHECK(values.size() == at(sizes.batch * sizes.sequence * sizes.heads * columns));
  }

  std::size_t index(std::int64_t batch, std::int64_t token, std::int64_t head) const {
    return at(((batch * sizes_.sequence + token) * sizes_.heads + head) * columns_);
  }
  std::span<const float> row(std::int64_t batch, std::int64_t token, std::int64_t head) const {
    return values_.subspan(index(batch, token, head), at(columns_));
  }

 private:
  std::span<const float> values_;
  const AttentionSizes& sizes_;
  std::int64_t columns_;
};

struct Operands {
  Rows q, k, v;
};

Operands operands_of(std::span<const float> q, std::span<const float> k, std::span<const float> v,
                     const AttentionSizes& sizes) {
  return {Rows(q, sizes, sizes.qk_columns), Rows(k, sizes, sizes.qk_columns),
          Rows(v, sizes, sizes.v_columns)};
}

double score_scale(std::int64_t qk_columns) {
  return 1 / std::sqrt(static_cast<double>(qk_columns));
}

/// Of token `token` to itself and those before it.
Softmax row_softmax(const Operands& in, const AttentionSizes& sizes, std::int64_t batch,
                    std::int64_t token, std::int64_t head) {
  std::vector<double> scores;
  for (std::int64_t other = 0; other <= token; ++other) {
    scores.push_back(score_scale(sizes.qk_columns) *
                     dot(in.q.row(batch, token, head), in.k.row(batch, other, head)));
  }
  return softmax(std::move(scores));
}

template <class What>
void for_each_row(const AttentionSizes& sizes, const What& what) {
  for (std::int64_t batch = 0; batch < sizes.batch; ++batch) {
    for (std::int64_t head = 0; head < sizes.heads; ++head) {
      for (std::int64_t token = 0; token < sizes.sequence; ++token) what(batch, token, head);
    }
  }
}

/// to += factor x from.
void add(std::vector<double>& to, std::size_t first, double factor, std::span<const float> from) {
  for (std::size_t i = 0; i < from.size(); ++i) to[first + i] += factor * from[i];
}

}  // namespace

AttentionResult attention(std::span<const float> q, std::span<const float> k,
                          std::span<const float> v, const AttentionSizes& sizes) {
  const Operands in = operands_of(q, k, v, sizes);
  std::vector<double> o(v.size());
  AttentionResult result;
  for_each_row(sizes, [&](std::int64_t batch, std::int64_t token, std::int64_t head) {
    const Softmax row = row_softmax(in, sizes, batch, token, head);
    result.log_sums.push_back(static_cast<float>(row.log_sum));
    for (std::int64_t other = 0; other <= token; ++other) {
      add(o, in.v.index(batch, token, head), row.probabilities[at(other)],
          in.v.row(batch, other, head));
    }
  });
  result.o.assign(o.begin(), o.end());
  return result;
}

AttentionGradients attention_backward(std::span<const float> q, std::span<const float> k,
                                      std::span<const float> v, std::span<const float> d_o,
                                      const AttentionSizes& sizes) {
  const Operands in = operands_of(q, k, v, sizes);
  const Rows d_out(d_o, sizes, sizes.v_columns);
  const double scale = score_scale(sizes.qk_columns);
  std::vector<double> d_q(q.size());
  std::vector<double> d_k(k.size());
  std::vector<double> d_v(v.size());
  for_each_row(sizes, [&](std::int64_t batch, std::int64_t token, std::int64_t head) {
    const std::vector<double> p = row_softmax(in, sizes, batch, token, head).probabilities;
    const auto d_row = d_out.row(batch, token, head);
    std::vector<double> d_p;
    double mean = 0;
    for (std::int64_t other = 0; other <= token; ++other) {
      d_p.push_back(dot(d_row, in.v.row(batch, other, head)));
      mean += p[at(other)] * d_p.back();
      add(d_v, in.v.index(batch, other, head), p[at(other)], d_row);
    }
    for (std::int64_t other = 0; other <= token; ++other) {
      const double d_score = scale * p[at(other)] * (d_p[at(other)] - mean);
      add(d_q, in.q.index(batch, token, head), d_score, in.k.row(batch, other, head));
      add(d_k, in.k.index(batch, other, head), d_score, in.q.row(batch, token, head));
    }
  });
  return {{d_q.begin(), d_q.end()}, {d_k.begin(), d_k.end()}, {d_v.begin(), d_v.end()}};
}

std::vector<float> attention_decode(std::span<const float> queries, std::span<const float> cache,
                                    const DecodeSizes& sizes) {
  const std::size_t width = at(sizes.latent + sizes.rope);
  PW_CHECK(queries.size() == at(sizes.batch * sizes.heads) * width);
  PW_CHECK(cache.size() == at(sizes.batch * sizes.sequence) * width);
  std::vector<double> results(at(sizes.batch * sizes.heads * sizes.latent));
  for (std::int64_t batch = 0; batch < sizes.batch; ++batch) {
    const auto key = [&](std::int64_t token) {
      return cache.subspan(at(batch * sizes.sequence + token) * width, width);
    };
    for (std::int64_t head = 0; head < sizes.heads; ++head) {
      const std::size_t row = at(batch * sizes.heads + head);
      std::vector<double> scores;
      for (std::int64_t token = 0; token < sizes.sequence; ++token) {
        scores.push_back(score_scale(sizes.qk_columns) *
                         dot(queries.subspan(row * width, width), key(token)));
      }
      const Softmax over = softmax(std::move(scores));
      for (std::int64_t token = 0; token < sizes.sequence; ++token) {
        add(results, row * at(sizes.latent), over.probabilities[at(token)],
            key(token).first(at(sizes.latent)));
      }
    }
  }
  return {results.begin(), results.end()};
}

}  // namespace planewise::calibration::host
