// The CUDA backend: finds the GPU, and the bench of each kernel.
#include "calibration/measure/backend.h"

#include <utility>

#include "calibration/cuda/bench_attention.h"
#include "calibration/cuda/bench_bytes.h"
#include "calibration/cuda/bench_layer.h"
#include "calibration/cuda/bench_product.h"
#include "calibration/cuda/device.h"

namespace planewise::calibration {
namespace {

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(std::unique_ptr<Device> device) : device_(std::move(device)) {}

  const Environment& environment() const override { return device_->environment(); }
  Telemetry telemetry() override { return device_->telemetry(); }

  std::variant<std::unique_ptr<Bench>, NotMeasured> prepare(const Measurement& m,
                                                            const LayerSizes& sizes) override {
    const bool has_neighbour = m.beside == spec::Beside::communication;
    if (m.sms >= device_->sms() || (has_neighbour && m.sms == 0)) {
      return NotMeasured{"the GPU has no SMs to take away"};
    }
    switch (m.kernel) {
      case Kernel::product:
        return make_product_bench(m, *device_);
      case Kernel::weight_gradient:
        return make_gradient_bench(m, *device_);
      case Kernel::attention_forward:
      case Kernel::attention_backward:
      case Kernel::attention_decode:
        return make_attention_bench(m, sizes, *device_);
      case Kernel::moe_layer_forward:
      case Kernel::moe_layer_backward:
        return make_layer_bench(m, sizes, *device_);
      default:
        return make_byte_bench(m, sizes, *device_);
    }
  }

 private:
  std::unique_ptr<Device> device_;
};

}  // namespace

std::variant<std::unique_ptr<Backend>, NotMeasured> make_cuda_backend(int device) {
  auto opened = Device::open(device);
  if (const auto* refusal = std::get_if<NotMeasured>(&opened)) return *refusal;
  return std::make_unique<CudaBackend>(std::move(std::get<0>(opened)));
}

}  // namespace planewise::calibration
