// What stands for the CUDA backend in a build without CUDA.
#include "calibration/comm/transport.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {
namespace {

constexpr const char* kNoCuda = "planewise-calibrate was built without CUDA";

}  // namespace

std::variant<std::unique_ptr<Backend>, NotMeasured> make_cuda_backend(int) {
  return NotMeasured{kNoCuda};
}

std::variant<std::unique_ptr<Transport>, NotMeasured> make_nccl_transport(Store&, int,
                                                                          const TransportOptions&) {
  return NotMeasured{kNoCuda};
}

std::string nccl_problem(int) { return kNoCuda; }

}  // namespace planewise::calibration
