// The backend that computes on the processor.
#include "calibration/measure/backend.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "calibration/host/host_bench.h"
#include "calibration/measure/fingerprint.h"

namespace planewise::calibration {
namespace {

/// What a call may take; beyond it nobody would wait for thirty.
constexpr double kWorkMost = 2e9;       // FLOPs
constexpr double kTrafficMost = 0.5e9;  // bytes

bool is_blockwise(const Measurement& m) {
  switch (m.kernel) {
    case Kernel::product:
    case Kernel::weight_gradient:
    case Kernel::moe_layer_forward:
    case Kernel::moe_layer_backward:
      return m.precision == spec::Precision::fp8_blockwise;
    case Kernel::quantise:
    case Kernel::quantise_backward:
    case Kernel::requantise_transposed:
    case Kernel::swiglu_quantise:
    case Kernel::permute:
      return true;
    default:
      return false;
  }
}

/// Why the processor does not take it; none if it does.
std::optional<std::string> refusal(const Measurement& m) {
  if (m.sms > 0 || m.beside != spec::Beside::alone) {
    return "a processor has no SMs to take away";
  }
  if (m.work.in(flop(1)) > kWorkMost || m.traffic.in(bytes(1)) > kTrafficMost) {
    return fmt::format("{:.3g} GFLOP and {:.3g} MB a call are too much for a processor",
                       m.work.in(gigaflop(1)), m.traffic.in(bytes(1e6)));
  }
  const std::int64_t width = m.shape.m > 0 ? m.shape.k : m.width;
  if (is_blockwise(m) && width % host::kScaleBlock != 0) {
    return fmt::format("{} is no multiple of {}, the width of a scale", width, host::kScaleBlock);
  }
  const bool turns =
      m.kernel == Kernel::quantise_backward || m.kernel == Kernel::requantise_transposed;
  if (turns && m.rows % host::kScaleBlock != 0) {
    return fmt::format("{} rows are no multiple of {}", m.rows, host::kScaleBlock);
  }
  return std::nullopt;
}

class HostBackend : public Backend {
 public:
  HostBackend() { environment_.sms = 1; }  // all kernels run in one thread
  const Environment& environment() const override { return environment_; }
  Telemetry telemetry() override { return {}; }

  std::variant<std::unique_ptr<Bench>, NotMeasured> prepare(const Measurement& m,
                                                            const LayerSizes& sizes) override {
    if (auto reason = refusal(m)) return NotMeasured{std::move(*reason)};
    return host::make_host_bench(host::work_of(m, sizes));
  }

 private:
  Environment environment_ = host_environment("");
};

}  // namespace

std::unique_ptr<Backend> make_host_backend() { return std::make_unique<HostBackend>(); }

}  // namespace planewise::calibration
