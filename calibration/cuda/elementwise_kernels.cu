// Operators that take each element by itself, eight of them a thread.
#include <algorithm>

#include "base/check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernel_math.cuh"
#include "calibration/cuda/kernels.h"

namespace planewise::calibration {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocksMost = 132 * 16;  // of grids that go on in strides

unsigned blocks_for(std::int64_t threads) {
  return static_cast<unsigned>(
      std::clamp<std::int64_t>((threads + kThreads - 1) / kThreads, 1, kBlocksMost));
}

/// gate and up of eight results from `index` on, in units of eight.
struct GateUp {
  Floats8 gate;
  Floats8 up;
};

__device__ std::int64_t gate_index(std::int64_t index, std::int64_t columns) {
  const std::int64_t row = 8 * index / columns;
  return 8 * index + row * columns;
}

__device__ GateUp load_gate_up(const std::uint16_t* x, std::int64_t index, std::int64_t columns) {
  const std::int64_t gate = gate_index(index, columns);
  return {load8(x + gate), load8(x + gate + columns)};
}

__global__ void __launch_bounds__(kThreads) swiglu_each(const std::uint16_t* x, std::int64_t count,
                                                        std::int64_t columns, std::uint16_t* y) {
  for (std::int64_t i = thread_index(); i < count / 8; i += thread_count()) {
    const GateUp in = load_gate_up(x, i, columns);
    Floats8 out;
#pragma unroll
    for (int j = 0; j < 8; ++j) out.at[j] = silu(in.gate.at[j]) * in.up.at[j];
    store8(y + 8 * i, out);
  }
}

__global__ void __launch_bounds__(kThreads)
    swiglu_backward_each(SwigluBackward at, std::int64_t count, std::int64_t columns) {
  for (std::int64_t i = thread_index(); i < count / 8; i += thread_count()) {
    const GateUp in = load_gate_up(at.x, i, columns);
    const Floats8 d_y = load8(at.d_y + 8 * i);
    Floats8 y;
    Floats8 d_gate;
    Floats8 d_up;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const float gate = in.gate.at[j];
      const float sigmoid = 1 / (1 + __expf(-gate));
      const float active = gate * sigmoid;
      y.at[j] = active * in.up.at[j];
      d_up.at[j] = d_y.at[j] * active;
      d_gate.at[j] = d_y.at[j] * in.up.at[j] * (sigmoid + active * (1 - sigmoid));
    }
    const std::int64_t gate = gate_index(i, columns);
    store8(at.y + 8 * i, y);
    store8(at.d_x + gate, d_gate);
    store8(at.d_x + gate + columns, d_up);
  }
}

__global__ void __launch_bounds__(kThreads)
    gelu_each(const std::uint16_t* x, std::int64_t count, std::uint16_t* y) {
  constexpr float kRoot = 0.7978845608028654F;  // of 2 / pi; arXiv 1606.08415
  for (std::int64_t i = thread_index(); i < count / 8; i += thread_count()) {
    Floats8 values = load8(x + 8 * i);
#pragma unroll
    for (float& value : values.at) {
      const float inner = kRoot * (value + 0.044715F * value * value * value);
      value = 0.5F * value * (1 + tanhf(inner));
    }
    store8(y + 8 * i, values);
  }
}

__global__ void __launch_bounds__(kThreads)
    add_each(const std::uint16_t* x, const std::uint16_t* y, std::int64_t count, std::uint16_t* z) {
  for (std::int64_t i = thread_index(); i < count / 8; i += thread_count()) {
    Floats8 sum = load8(x + 8 * i);
    const Floats8 other = load8(y + 8 * i);
#pragma unroll
    for (int j = 0; j < 8; ++j) sum.at[j] += other.at[j];
    store8(z + 8 * i, sum);
  }
}

__global__ void __launch_bounds__(kThreads)
    copy_each(const uint4* from, std::int64_t count, uint4* to) {
  for (std::int64_t i = thread_index(); i < count; i += thread_count()) to[i] = from[i];
}

__global__ void rope_table(std::int64_t rows, std::int64_t pairs, float2* table) {
  constexpr double kLog2OfBase = 13.287712379549449;  // of 10,000; arXiv 2104.09864
  for (std::int64_t i = thread_index(); i < rows * pairs; i += thread_count()) {
    const double share = static_cast<double>(i % pairs) / static_cast<double>(pairs);
    const double angle = static_cast<double>(i / pairs) * exp2(-share * kLog2OfBase);
    table[i] = {static_cast<float>(cos(angle)), static_cast<float>(sin(angle))};
  }
}

__global__ void __launch_bounds__(kThreads)
    rope_each(std::uint16_t* x, std::int64_t count, std::int64_t columns, std::int64_t head_columns,
              const float2* table) {
  for (std::int64_t i = thread_index(); i < count / 8; i += thread_count()) {
    const std::int64_t row = 8 * i / columns;
    const std::int64_t in_head = (8 * i - row * columns) % head_columns;
    const float2* turns = table + row * (head_columns / 2) + in_head / 2;
    Floats8 values = load8(x + 8 * i);
#pragma unroll
    for (int pair = 0; pair < 4; ++pair) {
      const float2 turn = turns[pair];
      const float even = values.at[2 * pair];
      const float odd = values.at[2 * pair + 1];
      values.at[2 * pair] = even * turn.x - odd * turn.y;
      values.at[2 * pair + 1] = even * turn.y + odd * turn.x;
    }
    store8(x + 8 * i, values);
  }
}

/// What does not change from parameter to parameter.
struct AdamwFactors {
  AdamwRates rates;
  float first_correction = 1;   ///< 1 - first_decay^step.
  float second_correction = 1;  ///< The same of the second.
};

__device__ void adamw_one(float gradient, const AdamwFactors& f, float* master, float* first,
                          float* second) {
  const AdamwRates& r = f.rates;
  *first = r.first_decay * *first + (1 - r.first_decay) * gradient;
  *second = r.second_decay * *second + (1 - r.second_decay) * gradient * gradient;
  const float step =
      *first / f.first_correction / (sqrtf(*second / f.second_correction) + r.epsilon);
  *master -= r.rate * (step + r.weight_decay * *master);
}

__global__ void __launch_bounds__(kThreads)
    adamw_each(AdamwState state, std::int64_t count, AdamwFactors factors) {
  for (std::int64_t i = thread_index(); i < count / 4; i += thread_count()) {
    const float4 gradient = reinterpret_cast<const float4*>(state.gradient)[i];
    float4 master = reinterpret_cast<const float4*>(state.master)[i];
    float4 first = load4(state.first + 4 * i);
    float4 second = load4(state.second + 4 * i);
    adamw_one(gradient.x, factors, &master.x, &first.x, &second.x);
    adamw_one(gradient.y, factors, &master.y, &first.y, &second.y);
    adamw_one(gradient.z, factors, &master.z, &first.z, &second.z);
    adamw_one(gradient.w, factors, &master.w, &first.w, &second.w);
    reinterpret_cast<float4*>(state.master)[i] = master;
    store4(state.first + 4 * i, first);
    store4(state.second + 4 * i, second);
    store4(state.parameter + 4 * i, master);
  }
}

}  // namespace

void swiglu(const std::uint16_t* x, MatrixShape shape, std::uint16_t* y, cudaStream_t stream) {
  PW_CHECK(shape.columns % 8 == 0);
  swiglu_each<<<blocks_for(shape.count() / 8), kThreads, 0, stream>>>(x, shape.count(),
                                                                      shape.columns, y);
  PW_CUDA(cudaGetLastError());
}

void swiglu_backward(const SwigluBackward& at, MatrixShape shape, cudaStream_t stream) {
  PW_CHECK(shape.columns % 8 == 0);
  swiglu_backward_each<<<blocks_for(shape.count() / 8), kThreads, 0, stream>>>(at, shape.count(),
                                                                               shape.columns);
  PW_CUDA(cudaGetLastError());
}

void gelu(const std::uint16_t* x, std::int64_t count, std::uint16_t* y, cudaStream_t stream) {
  PW_CHECK(count % 8 == 0);
  gelu_each<<<blocks_for(count / 8), kThreads, 0, stream>>>(x, count, y);
  PW_CUDA(cudaGetLastError());
}

void add(const std::uint16_t* x, const std::uint16_t* y, std::int64_t count, std::uint16_t* z,
         cudaStream_t stream) {
  PW_CHECK(count % 8 == 0);
  add_each<<<blocks_for(count / 8), kThreads, 0, stream>>>(x, y, count, z);
  PW_CUDA(cudaGetLastError());
}

void copy(const std::uint16_t* from, std::int64_t count, std::uint16_t* to, cudaStream_t stream) {
  PW_CHECK(count % 8 == 0);
  copy_each<<<blocks_for(count / 8), kThreads, 0, stream>>>(
      reinterpret_cast<const uint4*>(from), count / 8, reinterpret_cast<uint4*>(to));
  PW_CUDA(cudaGetLastError());
}

void fill_rope_table(MatrixShape shape, float2* table, cudaStream_t stream) {
  PW_CHECK(shape.columns % 2 == 0);
  rope_table<<<blocks_for(shape.count() / 2), kThreads, 0, stream>>>(shape.rows, shape.columns / 2,
                                                                     table);
  PW_CUDA(cudaGetLastError());
}

void rope(std::uint16_t* x, MatrixShape shape, std::int64_t head_columns, const float2* table,
          cudaStream_t stream) {
  PW_CHECK(head_columns % 8 == 0);
  PW_CHECK(shape.columns % head_columns == 0);
  rope_each<<<blocks_for(shape.count() / 8), kThreads, 0, stream>>>(x, shape.count(), shape.columns,
                                                                    head_columns, table);
  PW_CUDA(cudaGetLastError());
}

void adamw(const AdamwState& state, std::int64_t count, const AdamwRates& rates,
           cudaStream_t stream) {
  PW_CHECK(count % 4 == 0);
  const AdamwFactors factors{
      .rates = rates,
      .first_correction = 1 - powf(rates.first_decay, static_cast<float>(rates.step)),
      .second_correction = 1 - powf(rates.second_decay, static_cast<float>(rates.step))};
  adamw_each<<<blocks_for(count / 4), kThreads, 0, stream>>>(state, count, factors);
  PW_CUDA(cudaGetLastError());
}

}  // namespace planewise::calibration
