#include "calibration/cuda/bench_product.h"

#include <fmt/format.h>

#include <utility>

#include "calibration/cuda/cublaslt_products.h"
#include "calibration/cuda/gpu_bench.h"
#include "calibration/cuda/product_sets.h"
#include "calibration/cuda/products.h"

namespace planewise::calibration {
namespace {

/// A way to compute the product.
struct Candidate {
  std::string name{};
  int kernels = 1;
  std::function<void(const ProductSets&, int set, cudaStream_t)> launch{};
};

/// A product in one format, with all ways to compute it that this GPU has.
struct Product {
  ProductSets sets;
  std::vector<Candidate> candidates{};
};

OperandFormat format_on(int capability, spec::Precision precision) {
  if (precision == spec::Precision::bf16 || capability < 90) return OperandFormat::bf16;
  return capability < 100 ? OperandFormat::fp8_blockwise : OperandFormat::mxfp8;
}

std::string proxy_of(OperandFormat format, spec::Precision precision) {
  if (precision == spec::Precision::bf16 || format == OperandFormat::fp8_blockwise) return "";
  return format == OperandFormat::bf16 ? "bf16 for fp8" : "mxfp8 for 1x128";
}

ProductOptions options_of(const Measurement& m) {
  return {.shape = m.shape, .layout = m.layout, .sms = m.sms};
}

/// Adds what was made, or its reason to `reasons`.
void take(std::variant<std::unique_ptr<Products>, NotMeasured> made,
          std::vector<Candidate>& candidates, std::string& reasons) {
  if (const auto* refusal = std::get_if<NotMeasured>(&made)) {
    reasons += (reasons.empty() ? "" : "; ") + refusal->reason;
    return;
  }
  const std::shared_ptr<Products> products = std::move(std::get<0>(made));
  candidates.push_back({products->implementation(), products->kernels(),
                        [products](const ProductSets& sets, int set, cudaStream_t stream) {
                          products->launch(sets.scaled_x(set), sets.scaled_w(set), sets.y(set),
                                           sets.rows(), stream);
                        }});
}

std::vector<Candidate> candidates_of(const Measurement& m, OperandFormat format,
                                     std::string& reasons) {
  std::vector<Candidate> candidates;
  if (format == OperandFormat::fp8_blockwise) {
    take(make_cublaslt_products(options_of(m)), candidates, reasons);
    take(make_grouped_products(options_of(m)), candidates, reasons);
  } else if (format == OperandFormat::mxfp8) {
    auto made = make_cublaslt_mxfp8_products(options_of(m));
    if (const auto* refusal = std::get_if<NotMeasured>(&made)) {
      reasons = refusal->reason;
      return {};
    }
    const std::shared_ptr<MxProducts> products = std::move(std::get<0>(made));
    candidates.push_back({products->implementation(), products->kernels(),
                          [products](const ProductSets& sets, int set, cudaStream_t stream) {
                            products->launch(sets.mx_x(set), sets.mx_w(set), sets.y(set),
                                             sets.rows(), stream);
                          }});
  } else {
    auto made = make_cublaslt_bf16_products(options_of(m));
    if (const auto* refusal = std::get_if<NotMeasured>(&made)) {
      reasons = refusal->reason;
      return {};
    }
    const std::shared_ptr<Bf16Products> products = std::move(std::get<0>(made));
    candidates.push_back({products->implementation(), products->kernels(),
                          [products](const ProductSets& sets, int set, cudaStream_t stream) {
                            products->launch(sets.plain_x(set), sets.plain_w(set), sets.y(set),
                                             sets.rows(), stream);
                          }});
  }
  return candidates;
}

/// The candidates as what could be timed; they share inputs, outputs and checks.
std::vector<GpuWork> works_of(const std::shared_ptr<Product>& product, const std::string& proxy,
                              int sets) {
  std::vector<GpuWork> works;
  for (std::size_t i = 0; i < product->candidates.size(); ++i) {
    GpuWork work{.sets = sets,
                 .implementation = product->candidates[i].name,
                 .proxy = proxy,
                 .kernels = product->candidates[i].kernels};
    work.fill = [product](std::uint64_t seed, cudaStream_t stream) {
      product->sets.fill(seed, stream);
    };
    work.poison = [product](cudaStream_t stream) { product->sets.poison(stream); };
    work.launch = [product, i](int set, cudaStream_t stream) {
      product->candidates[i].launch(product->sets, set, stream);
    };
    work.compare = [product](std::uint64_t seed, cudaStream_t stream) {
      return product->sets.compare(seed, stream);
    };
    works.push_back(std::move(work));
  }
  return works;
}

}  // namespace

std::variant<std::unique_ptr<Bench>, NotMeasured> make_product_bench(const Measurement& m,
                                                                     const Device& device) {
  const OperandFormat format = format_on(device.capability(), m.precision);
  std::string reasons;
  std::vector<Candidate> candidates = candidates_of(m, format, reasons);
  if (candidates.empty()) return NotMeasured{reasons};
  const std::int64_t bytes = ProductSets::bytes_of(m, format);
  const int sets = input_sets(bytes, device.l2_bytes(), device.free_bytes());
  if (sets == 0) {
    return NotMeasured{fmt::format("needs {:.1f} GB, more than half of the memory that is free",
                                   static_cast<double>(bytes) * 1e-9)};
  }
  auto product =
      std::make_shared<Product>(Product{ProductSets(m, format, sets), std::move(candidates)});
  return make_best_bench(works_of(product, proxy_of(format, m.precision), sets), m, device);
}

}  // namespace planewise::calibration
