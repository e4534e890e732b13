// Attention forward and backward: its memory, without a GPU; its values, with one.
#include "calibration/cuda/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gpu.h"

namespace planewise::calibration {
namespace {

TEST(UnfusedAttention, TakesTheMostHeadsThatFit) {
  // 8192^2 x (4 + 2) B = 402,653,184 a head; 19 fit in 8 GB, and 16 divide 128.
  EXPECT_EQ(unfused_heads_at_once({.sequence = 8192}), 16);
  EXPECT_EQ(unfused_scratch_bytes({.sequence = 8192}), 6'442'450'944U);
  // Twice as much a head with a backward pass: 9 fit, 8 divide.
  EXPECT_EQ(unfused_heads_at_once({.sequence = 8192, .backward = true}), 8);
  EXPECT_EQ(unfused_scratch_bytes({.sequence = 8192, .backward = true}), 6'442'450'944U);
  EXPECT_EQ(unfused_heads_at_once({.sequence = 1024}), 128);
}

TEST(UnfusedAttention, SaysWhyThereIsNone) {
  const auto made = make_unfused_attention({.sequence = 65536});
  ASSERT_TRUE(std::holds_alternative<NotMeasured>(made));
  // 65536^2 x 6 B
  EXPECT_EQ(std::get<NotMeasured>(made).reason,
            "the scores of one head take 25769803776 bytes, over the limit of 8000000000");
  EXPECT_TRUE(std::holds_alternative<NotMeasured>(make_unfused_attention({.sequence = 100})));
}

/// Values as doubles, [batch, sequence, heads, width].
struct Tensor {
  AttentionOptions sizes{};
  int width = 0;
  std::vector<double> values{};

  double& at(std::int64_t batch, std::int64_t token, int head, int i) {
    const std::int64_t row = (batch * sizes.sequence + token) * sizes.heads + head;
    return values[static_cast<std::size_t>(row * width + i)];
  }
};

Tensor tensor(const AttentionOptions& sizes, int width, const std::vector<std::uint16_t>& bits) {
  Tensor made{.sizes = sizes, .width = width};
  for (const std::uint16_t value : bits) made.values.push_back(from_bf16(value));
  return made;
}

Tensor zeros(const AttentionOptions& sizes, int width) {
  const auto count = sizes.batch * sizes.sequence * sizes.heads * width;
  return {.sizes = sizes,
          .width = width,
          .values = std::vector<double>(static_cast<std::size_t>(count))};
}

struct Reference {
  Tensor q{}, k{}, v{}, d_o{};
  Tensor o{}, d_q{}, d_k{}, d_v{};
  std::vector<double> log_sums{};
};

/// Query `query` of a head: its probabilities, results, and what it adds to all gradients.
void add_query(Reference& of, std::int64_t batch, int head, std::int64_t query) {
  const AttentionOptions& sizes = of.q.sizes;
  const double scale = 1 / std::sqrt(sizes.qk_dim);
  std::vector<double> p;
  double sum = 0;
  for (std::int64_t key = 0; key <= query; ++key) {
    double score = 0;
    for (int i = 0; i < sizes.qk_dim; ++i) {
      score += of.q.at(batch, query, head, i) * of.k.at(batch, key, head, i);
    }
    p.push_back(std::exp(score * scale));
    sum += p.back();
  }
  of.log_sums.push_back(std::log(sum));
  double o_d_o = 0;
  for (int i = 0; i < sizes.v_dim; ++i) {
    double& o = of.o.at(batch, query, head, i);
    for (std::int64_t key = 0; key <= query; ++key) {
      o += p[static_cast<std::size_t>(key)] / sum * of.v.at(batch, key, head, i);
    }
    o_d_o += o * of.d_o.at(batch, query, head, i);
  }
  for (std::int64_t key = 0; key <= query; ++key) {
    const double probability = p[static_cast<std::size_t>(key)] / sum;
    double d_p = 0;
    for (int i = 0; i < sizes.v_dim; ++i) {
      d_p += of.d_o.at(batch, query, head, i) * of.v.at(batch, key, head, i);
      of.d_v.at(batch, key, head, i) += probability * of.d_o.at(batch, query, head, i);
    }
    const double d_score = probability * (d_p - o_d_o) * scale;
    for (int i = 0; i < sizes.qk_dim; ++i) {
      of.d_q.at(batch, query, head, i) += d_score * of.k.at(batch, key, head, i);
      of.d_k.at(batch, key, head, i) += d_score * of.q.at(batch, query, head, i);
    }
  }
}

struct Bits {
  std::vector<std::uint16_t> q{}, k{}, v{}, d_o{};
};

Bits random_bits(const AttentionOptions& sizes) {
  std::mt19937 random(11);
  const auto tokens = static_cast<std::size_t>(sizes.batch * sizes.sequence * sizes.heads);
  const auto qk = tokens * static_cast<std::size_t>(sizes.qk_dim);
  const auto v = tokens * static_cast<std::size_t>(sizes.v_dim);
  return {random_bf16(qk, random), random_bf16(qk, random), random_bf16(v, random),
          random_bf16(v, random)};
}

Reference reference(const AttentionOptions& sizes, const Bits& bits) {
  Reference made{.q = tensor(sizes, sizes.qk_dim, bits.q),
                 .k = tensor(sizes, sizes.qk_dim, bits.k),
                 .v = tensor(sizes, sizes.v_dim, bits.v),
                 .d_o = tensor(sizes, sizes.v_dim, bits.d_o),
                 .o = zeros(sizes, sizes.v_dim),
                 .d_q = zeros(sizes, sizes.qk_dim),
                 .d_k = zeros(sizes, sizes.qk_dim),
                 .d_v = zeros(sizes, sizes.v_dim)};
  for (std::int64_t batch = 0; batch < sizes.batch; ++batch) {
    for (int head = 0; head < sizes.heads; ++head) {
      for (std::int64_t query = 0; query < sizes.sequence; ++query) {
        add_query(made, batch, head, query);
      }
    }
  }
  return made;
}

double difference_of(const Tensor& expected, const Buffer& found) {
  std::vector<double> values;
  for (const std::uint16_t value : from_gpu<std::uint16_t>(found)) {
    values.push_back(from_bf16(value));
  }
  return difference(expected.values, values);
}

// Probabilities, results and gradients are rounded to BF16: 4e-6 in the squares each time.
constexpr double kLimit = 5e-5;

void expect_right(Attention& attention, const AttentionOptions& sizes) {
  const Bits bits = random_bits(sizes);
  const Reference expected = reference(sizes, bits);
  const Buffer q = to_gpu(bits.q);
  const Buffer k = to_gpu(bits.k);
  const Buffer v = to_gpu(bits.v);
  const Buffer d_o = to_gpu(bits.d_o);
  const Buffer o(v.size());
  const Buffer d_q(q.size());
  const Buffer d_k(k.size());
  const Buffer d_v(v.size());
  const Buffer log_sums(expected.log_sums.size() * sizeof(float));
  const Stream stream;
  for (const Buffer* result : {&o, &d_q, &d_k, &d_v, &log_sums}) result->poison(stream);
  attention.forward({.q = q.as<std::uint16_t>(),
                     .k = k.as<std::uint16_t>(),
                     .v = v.as<std::uint16_t>(),
                     .o = o.as<std::uint16_t>(),
                     .log_sums = log_sums.as<float>()},
                    stream.get());
  attention.backward({.q = q.as<std::uint16_t>(),
                      .k = k.as<std::uint16_t>(),
                      .v = v.as<std::uint16_t>(),
                      .o = o.as<std::uint16_t>(),
                      .d_o = d_o.as<std::uint16_t>(),
                      .log_sums = log_sums.as<float>(),
                      .d_q = d_q.as<std::uint16_t>(),
                      .d_k = d_k.as<std::uint16_t>(),
                      .d_v = d_v.as<std::uint16_t>()},
                     stream.get());
  stream.synchronise();
  EXPECT_LT(difference_of(expected.o, o), kLimit);
  EXPECT_LT(difference_of(expected.d_q, d_q), kLimit);
  EXPECT_LT(difference_of(expected.d_k, d_k), kLimit);
  EXPECT_LT(difference_of(expected.d_v, d_v), kLimit);
  const auto found = from_gpu<float>(log_sums);
  for (std::size_t i = 0; i < found.size(); ++i) {
    // FP32 sums of up to 192 products that make scores below 10: 1e-5.
    ASSERT_NEAR(found[i], expected.log_sums[i], 1e-4) << i;
  }
}

TEST(AttentionGpu, UnfusedIsThatOfTheProcessor) {
  PW_NEEDS_GPU();
  // 64^2 x 12 B = 49,152 a head: one at a time.
  const AttentionOptions sizes{.heads = 3,
                               .qk_dim = 24,
                               .v_dim = 16,
                               .batch = 2,
                               .sequence = 64,
                               .backward = true,
                               .unfused_scratch_limit = 100'000};
  auto made = make_unfused_attention(sizes);
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Attention>>(made))
      << std::get<NotMeasured>(made).reason;
  Attention& attention = *std::get<std::unique_ptr<Attention>>(made);
  EXPECT_EQ(attention.proxy(), "unfused attention for fused");
  EXPECT_EQ(attention.forward_kernels(), 3 * 2 * 3);
  expect_right(attention, sizes);
}

TEST(AttentionGpu, UnfusedTakesHeadsTogether) {
  PW_NEEDS_GPU();
  const AttentionOptions sizes{
      .heads = 4, .qk_dim = 24, .v_dim = 16, .batch = 1, .sequence = 40, .backward = true};
  auto made = make_unfused_attention(sizes);
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Attention>>(made))
      << std::get<NotMeasured>(made).reason;
  Attention& attention = *std::get<std::unique_ptr<Attention>>(made);
  EXPECT_EQ(attention.backward_kernels(), 6);
  expect_right(attention, sizes);
}

TEST(AttentionGpu, FusedIsThatOfTheProcessor) {
  PW_NEEDS_GPU();
  const AttentionOptions sizes{.heads = 2, .batch = 2, .sequence = 256, .backward = true};
  auto made = make_cudnn_attention(sizes);
  if (const auto* refused = std::get_if<NotMeasured>(&made)) GTEST_SKIP() << refused->reason;
  Attention& attention = *std::get<std::unique_ptr<Attention>>(made);
  EXPECT_EQ(attention.proxy(), "");
  expect_right(attention, sizes);
}

}  // namespace
}  // namespace planewise::calibration
