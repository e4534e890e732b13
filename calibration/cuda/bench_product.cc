#include "calibration/cuda/bench_product.h"

#include <fmt/format.h>

#include <optional>
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

bool all_hold(const std::vector<CheckResult>& checks) {
  for (const CheckResult& check : checks) {
    if (!check.holds()) return false;
  }
  return true;
}

/// One candidate as it would be timed; what it shares with the others stays theirs.
GpuWork work_of(const std::shared_ptr<Product>& product, std::size_t candidate, int sets) {
  GpuWork work{.sets = sets,
               .implementation = product->candidates[candidate].name,
               .kernels = product->candidates[candidate].kernels};
  work.launch = [product, candidate](int set, cudaStream_t stream) {
    product->candidates[candidate].launch(product->sets, set, stream);
  };
  return work;
}

/// Checks every candidate, drops the wrong ones and chooses the fastest of the others. The checks
/// are those of the chosen one; of the last one if all are wrong.
class BestProduct : public Bench {
 public:
  BestProduct(std::shared_ptr<Product> product, const Measurement& m, std::string proxy, int sets,
              const Device& device)
      : product_(std::move(product)),
        measurement_(m),
        proxy_(std::move(proxy)),
        sets_(sets),
        device_(device) {}

  std::vector<CheckResult> check(std::uint64_t seed) override {
    std::vector<CheckResult> kept;
    std::optional<Seconds> fastest;
    std::string wrong;
    bench_.reset();
    product_->sets.fill(seed, stream_.get());
    for (std::size_t i = 0; i < product_->candidates.size(); ++i) {
      GpuWork work = work_of(product_, i, sets_);
      product_->sets.poison(stream_.get());
      work.launch(0, stream_.get());
      stream_.synchronise();
      const std::vector<CheckResult> checks = product_->sets.compare(seed, stream_.get());
      if (!all_hold(checks)) {
        wrong += (wrong.empty() ? "" : ", ") + work.implementation;
        if (!fastest) kept = checks;
        continue;
      }
      const bool is_only = product_->candidates.size() == 1;
      const Seconds time = is_only ? Seconds{} : trial_time(work, device_);
      if (fastest && time >= *fastest) continue;
      fastest = time;
      kept = checks;
      implementation_ = work.implementation;
      kernels_ = work.kernels;
      bench_ = make_gpu_bench(std::move(work), measurement_, device_);
    }
    if (bench_ && !wrong.empty()) implementation_ += fmt::format(" ({}: wrong results)", wrong);
    if (!bench_) implementation_ = wrong;
    return kept;
  }

  std::vector<Seconds> run(int count) override { return bench_->run(count); }
  std::string implementation() const override { return implementation_; }
  std::string proxy() const override { return proxy_; }
  int kernels() const override { return kernels_; }

 private:
  std::shared_ptr<Product> product_;
  Measurement measurement_;
  std::string proxy_;
  int sets_ = 1;
  const Device& device_;
  Stream stream_;
  std::unique_ptr<Bench> bench_;
  std::string implementation_ = product_->candidates.front().name;
  int kernels_ = 1;
};

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
  return std::make_unique<BestProduct>(std::move(product), m, proxy_of(format, m.precision), sets,
                                       device);
}

}  // namespace planewise::calibration
