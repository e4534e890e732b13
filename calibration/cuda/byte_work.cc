#include "calibration/cuda/byte_work.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/random.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/reference.h"

namespace planewise::calibration {
namespace {

using Bits = std::uint16_t;
using Checks = std::vector<CheckResult>;

/// Buffers of a work, and what the processor keeps of set 0 before it is changed in place.
struct State {
  ByteSizes sizes;
  BufferSets buffers;
  Buffer shared{};  ///< For all sets: the embedding's table, or the rotary angles.
  std::vector<float> before{};
  host::AdamWState adamw_before{};
  std::vector<float> gradient{};
};
using Shared = std::shared_ptr<State>;

std::vector<float> row_of(const Bits* x, std::int64_t row, std::int64_t columns,
                          cudaStream_t stream) {
  return to_host(x + row * columns, columns, stream);
}

/// Compares some rows of buffer `result` with `expected(row)`.
template <class Expected>
Checks check_rows(const State& s, int result, std::uint64_t seed, cudaStream_t stream,
                  const Expected& expected) {
  std::vector<float> ours;
  std::vector<float> theirs;
  const std::int64_t columns = s.sizes.shape.columns;
  for (const std::int64_t row : some_rows(s.sizes.shape.rows, seed)) {
    const auto mine = row_of(s.buffers.at<Bits>(0, result), row, columns, stream);
    const std::vector<float> other = expected(row);
    ours.insert(ours.end(), mine.begin(), mine.end());
    theirs.insert(theirs.end(), other.begin(), other.end());
  }
  return {row_check(ours, theirs, kDequantisedLimit)};
}

void fill_inputs(const State& s, int inputs, std::uint64_t seed, cudaStream_t stream) {
  for (int set = 0; set < s.buffers.count(); ++set) {
    for (int i = 0; i < inputs; ++i) {
      fill_normal(s.buffers.at<Bits>(set, i), s.sizes.shape.count(), 1,
                  fold_bits(seed, static_cast<std::uint64_t>(set * 8 + i)), stream);
    }
  }
}

GpuWork norm_work(const Shared& s) {
  GpuWork work{.implementation = "pw_norm"};
  const MatrixShape shape = s->sizes.shape;
  work.fill = [s](std::uint64_t seed, cudaStream_t stream) {
    fill_inputs(*s, 1, seed, stream);
    for (int set = 0; set < s->buffers.count(); ++set) {
      fill_normal(s->buffers.at<Bits>(set, 2), s->sizes.shape.columns, 1, fold_bits(seed, 77),
                  stream);
    }
  };
  work.poison = [s](cudaStream_t stream) { s->buffers.poison(1, stream); };
  work.launch = [s, shape](int set, cudaStream_t stream) {
    norm(s->buffers.at<Bits>(set, 0), s->buffers.at<Bits>(set, 2), shape,
         s->buffers.at<Bits>(set, 1), stream);
  };
  work.compare = [s, shape](std::uint64_t seed, cudaStream_t stream) {
    const auto weight = to_host(s->buffers.at<Bits>(0, 2), shape.columns, stream);
    return check_rows(*s, 1, seed, stream, [&](std::int64_t row) {
      return host::norm(row_of(s->buffers.at<Bits>(0, 0), row, shape.columns, stream), weight,
                        {1, shape.columns});
    });
  };
  return work;
}

/// y = f(x) or z = f(x, y), element by element, the result behind the inputs.
struct Elementwise {
  const char* implementation = "";
  int inputs = 1;
  std::function<void(const State&, int set, cudaStream_t)> launch{};
  std::function<std::vector<float>(const std::vector<std::vector<float>>&)> expected{};
};

GpuWork elementwise_work(const Shared& s, Elementwise op) {
  GpuWork work{.implementation = op.implementation};
  work.fill = [s, op](std::uint64_t seed, cudaStream_t stream) {
    fill_inputs(*s, op.inputs, seed, stream);
  };
  work.poison = [s, op](cudaStream_t stream) { s->buffers.poison(op.inputs, stream); };
  work.launch = [s, op](int set, cudaStream_t stream) { op.launch(*s, set, stream); };
  work.compare = [s, op](std::uint64_t seed, cudaStream_t stream) {
    return check_rows(*s, op.inputs, seed, stream, [&](std::int64_t row) {
      std::vector<std::vector<float>> inputs;
      for (int i = 0; i < op.inputs; ++i) {
        inputs.push_back(row_of(s->buffers.at<Bits>(0, i), row, s->sizes.shape.columns, stream));
      }
      return op.expected(inputs);
    });
  };
  return work;
}

GpuWork gelu_work(const Shared& s) {
  return elementwise_work(s, {.implementation = "pw_gelu",
                              .launch =
                                  [](const State& at, int set, cudaStream_t stream) {
                                    gelu(at.buffers.at<Bits>(set, 0), at.sizes.shape.count(),
                                         at.buffers.at<Bits>(set, 1), stream);
                                  },
                              .expected = [](const auto& in) { return host::gelu(in[0]); }});
}

GpuWork copy_work(const Shared& s) {
  return elementwise_work(s, {.implementation = "pw_copy",
                              .launch =
                                  [](const State& at, int set, cudaStream_t stream) {
                                    copy(at.buffers.at<Bits>(set, 0), at.sizes.shape.count(),
                                         at.buffers.at<Bits>(set, 1), stream);
                                  },
                              .expected = [](const auto& in) { return in[0]; }});
}

GpuWork add_work(const Shared& s) {
  return elementwise_work(s, {.implementation = "pw_add",
                              .inputs = 2,
                              .launch =
                                  [](const State& at, int set, cudaStream_t stream) {
                                    add(at.buffers.at<Bits>(set, 0), at.buffers.at<Bits>(set, 1),
                                        at.sizes.shape.count(), at.buffers.at<Bits>(set, 2),
                                        stream);
                                  },
                              .expected =
                                  [](const auto& in) {
                                    std::vector<float> sum = in[0];
                                    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += in[1][i];
                                    return sum;
                                  }});
}

/// A row at position `position`, turned as host::rope() does, which begins at 0.
std::vector<float> turned_row(const float* before, std::int64_t position, std::int64_t columns,
                              std::int64_t head) {
  std::vector<float> row(before, before + columns);
  for (std::int64_t i = 0; i < columns; i += 2) {
    const double share = static_cast<double>(i % head) / static_cast<double>(head);
    const double angle = static_cast<double>(position) * std::pow(1e4, -share);
    const auto at = static_cast<std::size_t>(i);
    row[at] = static_cast<float>(before[i] * std::cos(angle) - before[i + 1] * std::sin(angle));
    row[at + 1] = static_cast<float>(before[i] * std::sin(angle) + before[i + 1] * std::cos(angle));
  }
  return row;
}

/// In place, so the processor keeps the rows that it will look at.
GpuWork rope_work(const Shared& s) {
  GpuWork work{.implementation = "pw_rope"};
  const MatrixShape shape = s->sizes.shape;
  const std::int64_t head = s->sizes.layer.qk_rope_head_dim;
  s->shared = Buffer(static_cast<std::size_t>(shape.rows * head / 2) * sizeof(float2));
  work.fill = [s, shape, head](std::uint64_t seed, cudaStream_t stream) {
    fill_rope_table({shape.rows, head}, s->shared.as<float2>(), stream);
    fill_inputs(*s, 1, seed, stream);
    s->before.clear();
    for (const std::int64_t row : some_rows(shape.rows, seed)) {
      const auto kept = row_of(s->buffers.at<Bits>(0, 0), row, shape.columns, stream);
      s->before.insert(s->before.end(), kept.begin(), kept.end());
    }
  };
  work.poison = [](cudaStream_t) {};
  work.launch = [s, shape, head](int set, cudaStream_t stream) {
    rope(s->buffers.at<Bits>(set, 0), shape, head, s->shared.as<float2>(), stream);
  };
  work.compare = [s, shape, head](std::uint64_t seed, cudaStream_t stream) {
    const float* before = s->before.data();  // of the rows in the order in which they are looked at
    return check_rows(*s, 0, seed, stream, [&](std::int64_t row) {
      const auto expected = turned_row(before, row, shape.columns, head);
      before += shape.columns;
      return expected;
    });
  };
  return work;
}

GpuWork embedding_work(const Shared& s) {
  GpuWork work{.implementation = "pw_embedding"};
  const MatrixShape shape = s->sizes.shape;
  const std::int64_t vocabulary = s->sizes.layer.vocabulary;
  s->shared = Buffer(static_cast<std::size_t>(vocabulary * shape.columns) * sizeof(Bits));
  work.fill = [s, shape, vocabulary](std::uint64_t seed, cudaStream_t stream) {
    fill_normal(s->shared.as<Bits>(), vocabulary * shape.columns, 1, fold_bits(seed, 99), stream);
    for (int set = 0; set < s->buffers.count(); ++set) {
      fill_integers(s->buffers.at<std::int32_t>(set, 0), shape.rows,
                    static_cast<std::int32_t>(vocabulary),
                    fold_bits(seed, static_cast<std::uint64_t>(set)), stream);
    }
  };
  work.poison = [s](cudaStream_t stream) { s->buffers.poison(1, stream); };
  work.launch = [s, shape](int set, cudaStream_t stream) {
    embedding(s->shared.as<Bits>(), s->buffers.at<std::int32_t>(set, 0), shape,
              s->buffers.at<Bits>(set, 1), stream);
  };
  work.compare = [s, shape](std::uint64_t seed, cudaStream_t stream) {
    const auto ids = to_host(s->buffers.at<std::int32_t>(0, 0), shape.rows, stream);
    return check_rows(*s, 1, seed, stream, [&](std::int64_t row) {
      return row_of(s->shared.as<Bits>(), ids[static_cast<std::size_t>(row)], shape.columns,
                    stream);
    });
  };
  return work;
}

GpuWork cross_entropy_work(const Shared& s) {
  GpuWork work{.implementation = "pw_cross_entropy"};
  const MatrixShape shape = s->sizes.shape;
  work.fill = [s, shape](std::uint64_t seed, cudaStream_t stream) {
    fill_inputs(*s, 1, seed, stream);
    for (int set = 0; set < s->buffers.count(); ++set) {
      fill_integers(s->buffers.at<std::int32_t>(set, 1), shape.rows,
                    static_cast<std::int32_t>(shape.columns),
                    fold_bits(seed, static_cast<std::uint64_t>(set) + 55), stream);
    }
  };
  work.poison = [s](cudaStream_t stream) {
    s->buffers.poison(2, stream);
    s->buffers.poison(3, stream);
  };
  work.launch = [s, shape](int set, cudaStream_t stream) {
    cross_entropy(s->buffers.at<Bits>(set, 0), s->buffers.at<std::int32_t>(set, 1), shape,
                  s->buffers.at<float>(set, 2), s->buffers.at<float>(set, 3), stream);
  };
  work.compare = [s, shape](std::uint64_t seed, cudaStream_t stream) -> Checks {
    const auto targets = to_host(s->buffers.at<std::int32_t>(0, 1), shape.rows, stream);
    const auto losses = to_host(s->buffers.at<float>(0, 3), shape.rows, stream);
    std::vector<float> ours;
    std::vector<float> expected;
    for (const std::int64_t row : some_rows(shape.rows, seed)) {
      const auto at = static_cast<std::size_t>(row);
      const std::vector<std::int32_t> target = {targets[at]};
      const auto logits = row_of(s->buffers.at<Bits>(0, 0), row, shape.columns, stream);
      expected.push_back(host::cross_entropy(logits, target, {1, shape.columns}).losses.front());
      ours.push_back(losses[at]);
    }
    return {row_check(ours, expected, 1e-6)};
  };
  return work;
}

constexpr std::int64_t kAdamwSamples = 4096;

GpuWork adamw_work(const Shared& s) {
  GpuWork work{.implementation = "pw_adamw"};
  const std::int64_t count = s->sizes.shape.count();
  const std::int64_t sampled = std::min(count, kAdamwSamples);
  const auto state_of = [s](int set) {
    return AdamwState{.gradient = s->buffers.at<float>(set, 0),
                      .master = s->buffers.at<float>(set, 1),
                      .first = s->buffers.at<Bits>(set, 2),
                      .second = s->buffers.at<Bits>(set, 3),
                      .parameter = s->buffers.at<Bits>(set, 4)};
  };
  work.fill = [s, state_of, count, sampled](std::uint64_t seed, cudaStream_t stream) {
    for (int set = 0; set < s->buffers.count(); ++set) {
      const AdamwState at = state_of(set);
      fill_normal(s->buffers.at<float>(set, 0), count, 1e-2F, fold_bits(seed, 1), stream);
      fill_normal(at.master, count, 1, fold_bits(seed, 2), stream);
      PW_CUDA(cudaMemsetAsync(at.first, 0, static_cast<std::size_t>(2 * count), stream));
      PW_CUDA(cudaMemsetAsync(at.second, 0, static_cast<std::size_t>(2 * count), stream));
    }
    const auto zeros = std::vector<Bits>(static_cast<std::size_t>(sampled));
    s->adamw_before = {.master = to_host(state_of(0).master, sampled, stream),
                       .first = zeros,
                       .second = zeros,
                       .parameter = zeros};
    s->gradient = to_host(state_of(0).gradient, sampled, stream);
  };
  work.poison = [s](cudaStream_t stream) { s->buffers.poison(4, stream); };
  work.launch = [state_of, count](int set, cudaStream_t stream) {
    adamw(state_of(set), count, {}, stream);
  };
  work.compare = [s, state_of, sampled](std::uint64_t, cudaStream_t stream) -> Checks {
    const host::AdamWState expected = host::adamw(s->adamw_before, s->gradient, {});
    return {row_check(to_host(state_of(0).master, sampled, stream), expected.master, 1e-9)};
  };
  return work;
}

}  // namespace

BufferSets::BufferSets(int sets, const std::vector<std::int64_t>& bytes) {
  for (int set = 0; set < sets; ++set) {
    std::vector<Buffer>& buffers = sets_.emplace_back();
    for (const std::int64_t size : bytes) buffers.emplace_back(static_cast<std::size_t>(size));
  }
}

void BufferSets::poison(int buffer, cudaStream_t stream) const {
  for (const std::vector<Buffer>& set : sets_) {
    const Buffer& each = set.at(static_cast<std::size_t>(buffer));
    PW_CUDA(cudaMemsetAsync(each.as<void>(), 0xFF, each.size(), stream));
  }
}

CheckResult row_check(const std::vector<float>& ours, const std::vector<float>& expected,
                      double limit) {
  return {.reference = "sampled rows",
          .metric = "difference",
          .value = difference_of(ours, expected),
          .limit = limit};
}

std::vector<std::int64_t> some_rows(std::int64_t rows, std::uint64_t seed) {
  constexpr int kMost = 62;
  Random random(seed);
  std::vector<std::int64_t> some = {0};
  for (int i = 0; i < kMost && i + 2 < rows; ++i) some.push_back(random.integer(0, rows - 1));
  some.push_back(rows - 1);
  return some;
}

GpuWork plain_work(Kernel kernel, const ByteSizes& sizes) {
  const Shared s = std::make_shared<State>(
      State{.sizes = sizes,
            .buffers = BufferSets(sizes.sets, byte_buffers(kernel, sizes.shape, sizes.layer))});
  switch (kernel) {
    case Kernel::norm:
      return norm_work(s);
    case Kernel::gelu:
      return gelu_work(s);
    case Kernel::copy:
      return copy_work(s);
    case Kernel::elementwise:
      return add_work(s);
    case Kernel::rope:
      return rope_work(s);
    case Kernel::embedding:
      return embedding_work(s);
    case Kernel::cross_entropy:
      return cross_entropy_work(s);
    case Kernel::optimizer:
      return adamw_work(s);
    default:
      PW_UNREACHABLE("no plain operator");
  }
}

}  // namespace planewise::calibration
