// Stands for the host backend until it is there.
#include "calibration/measure/backend.h"
#include "calibration/measure/fingerprint.h"

namespace planewise::calibration {
namespace {

class None : public Backend {
 public:
  const Environment& environment() const override { return environment_; }
  Telemetry telemetry() override { return {}; }
  std::variant<std::unique_ptr<Bench>, NotMeasured> prepare(const Measurement&,
                                                            const LayerSizes&) override {
    return NotMeasured{"no host backend yet"};
  }

 private:
  Environment environment_ = host_environment("");
};

}  // namespace

std::unique_ptr<Backend> make_host_backend() { return std::make_unique<None>(); }

}  // namespace planewise::calibration
