// What stands for the NCCL transport in a build with CUDA and without NCCL.
#include "calibration/comm/transport.h"

namespace planewise::calibration {
namespace {

constexpr const char* kNoNccl = "planewise-calibrate was built without NCCL";

}  // namespace

std::variant<std::unique_ptr<Transport>, NotMeasured> make_nccl_transport(Store&, int,
                                                                          const TransportOptions&) {
  return NotMeasured{kNoNccl};
}

std::string nccl_problem(int) { return kNoNccl; }

}  // namespace planewise::calibration
