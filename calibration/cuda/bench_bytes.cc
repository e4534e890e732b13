#include "calibration/cuda/bench_bytes.h"

#include <fmt/format.h>

#include <numeric>
#include <optional>

#include "base/check.h"
#include "calibration/cuda/byte_work.h"
#include "calibration/cuda/routing.h"

namespace planewise::calibration {
namespace {

/// Why the kernels do not take the size; none if they do.
std::optional<std::string> refusal(const Measurement& m, const LayerSizes& layer) {
  const auto multiple = [&](std::int64_t of) -> std::optional<std::string> {
    if (m.width % of == 0) return std::nullopt;
    return fmt::format("a width of {} is no multiple of {}", m.width, of);
  };
  switch (m.kernel) {
    case Kernel::optimizer:
      if (m.rows % 4 == 0) return std::nullopt;
      return fmt::format("{} parameters are no multiple of 4", m.rows);
    case Kernel::router:
      if (m.width % 32 == 0 && m.width <= 512 && layer.experts_per_token <= 32 &&
          layer.expert_groups <= 32 && m.width == layer.experts) {
        return std::nullopt;
      }
      return fmt::format("a router of {} experts in {} groups is not among the kernel's", m.width,
                         layer.expert_groups);
    case Kernel::quantise_backward:
    case Kernel::requantise_transposed:
      if (m.rows % 128 != 0) return fmt::format("{} rows are no multiple of 128", m.rows);
      return multiple(128);
    case Kernel::quantise:
    case Kernel::swiglu_quantise:
    case Kernel::permute:
      return multiple(128);
    case Kernel::norm:
      if (m.width > 16384) return fmt::format("a width of {} is beyond 16384", m.width);
      return multiple(8);
    case Kernel::rope:
      return multiple(layer.qk_rope_head_dim);
    default:
      return multiple(8);
  }
}

GpuWork work_of(Kernel kernel, const ByteSizes& sizes) {
  switch (kernel) {
    case Kernel::swiglu:
    case Kernel::swiglu_backward:
    case Kernel::swiglu_quantise:
    case Kernel::quantise:
    case Kernel::quantise_backward:
    case Kernel::requantise_transposed:
      return quantise_work(kernel, sizes);
    case Kernel::router:
    case Kernel::permute:
      return routing_work(kernel, sizes);
    default:
      return plain_work(kernel, sizes);
  }
}

/// Launches alone: as many in a graph as a small operator has sets.
std::unique_ptr<Bench> empty_bench(const Measurement& m, const Device& device) {
  GpuWork work{.sets = input_sets(0, device.l2_bytes(), device.free_bytes()),
               .implementation = "pw_empty"};
  work.fill = [](std::uint64_t, cudaStream_t) {};
  work.poison = [](cudaStream_t) {};
  work.launch = [](int, cudaStream_t stream) { empty(stream); };
  work.compare = [](std::uint64_t, cudaStream_t) { return std::vector<CheckResult>{}; };
  return make_gpu_bench(std::move(work), m, device);
}

}  // namespace

std::vector<std::int64_t> byte_buffers(Kernel kernel, MatrixShape shape, const LayerSizes& layer) {
  const std::int64_t each = 2 * shape.count();
  const std::int64_t values = shape.count();
  const std::int64_t scales = 4 * (shape.count() / 128);
  switch (kernel) {
    case Kernel::norm:
      return {each, each, 2 * shape.columns};
    case Kernel::gelu:
    case Kernel::copy:
      return {each, each};
    case Kernel::elementwise:
      return {each, each, each};
    case Kernel::rope:
      return {each};
    case Kernel::embedding:
      return {4 * shape.rows, each};
    case Kernel::cross_entropy:
      return {each, 4 * shape.rows, 4 * shape.rows, 4 * shape.rows};
    case Kernel::optimizer:
      return {4 * values, 4 * values, 2 * values, 2 * values, 2 * values};
    case Kernel::quantise:
      return {each, values, scales};
    case Kernel::quantise_backward:
    case Kernel::requantise_transposed:
      return {each, values, scales, values, scales};
    case Kernel::swiglu:
      return {2 * each, each};
    case Kernel::swiglu_quantise:
      return {2 * each, values, scales};
    case Kernel::swiglu_backward:
      return {2 * each, each, each, 2 * each};
    case Kernel::router: {
      const std::int64_t pairs = shape.rows * layer.experts_per_token;
      return {4 * shape.count(), 4 * shape.columns, 4 * pairs, 4 * pairs};
    }
    case Kernel::permute: {
      const std::int64_t rows = room_for_rows(layer, shape.rows);
      return {values,
              scales,
              rows * shape.columns,
              4 * rows * (shape.columns / 128),
              2 * rows * shape.columns,
              each};
    }
    default:
      PW_UNREACHABLE("no memory-bound operator");
  }
}

std::variant<std::unique_ptr<Bench>, NotMeasured> make_byte_bench(const Measurement& m,
                                                                  const LayerSizes& layer,
                                                                  const Device& device) {
  if (m.kernel == Kernel::empty) return empty_bench(m, device);
  if (const auto reason = refusal(m, layer)) return NotMeasured{*reason};
  ByteSizes sizes{.shape = {m.rows, m.width}, .layer = layer};
  const std::vector<std::int64_t> buffers = byte_buffers(m.kernel, sizes.shape, layer);
  const std::int64_t bytes = std::accumulate(buffers.begin(), buffers.end(), std::int64_t{0});
  sizes.sets = input_sets(bytes, device.l2_bytes(), device.free_bytes());
  if (sizes.sets == 0) {
    return NotMeasured{fmt::format("needs {:.1f} GB, more than half of the memory that is free",
                                   static_cast<double>(bytes) * 1e-9)};
  }
  GpuWork work = work_of(m.kernel, sizes);
  work.sets = sizes.sets;
  return make_gpu_bench(std::move(work), m, device);
}

}  // namespace planewise::calibration
