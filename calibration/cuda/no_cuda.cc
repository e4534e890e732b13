// What stands for the CUDA backend in a build without CUDA.
#include "calibration/measure/backend.h"

namespace planewise::calibration {

std::variant<std::unique_ptr<Backend>, NotMeasured> make_cuda_backend(int) {
  return NotMeasured{"planewise-calibrate was built without CUDA"};
}

}  // namespace planewise::calibration
