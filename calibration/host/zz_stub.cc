// Stands for the plan until it is there.
#include "calibration/measure/plan.h"

namespace planewise::calibration {

std::string plan_problem(const spec::ModelSpec& m, const PlanOptions&) {
  return m.moe ? "" : "the model has no routed experts";
}

Plan make_plan(const spec::ModelSpec& m, const PlanOptions& o) {
  Plan p{.model = m.name, .options = o, .repetitions = 3, .estimated = seconds(90)};
  for (int i : {16, 64, 256, 1024, 4096}) {
    p.measurements.push_back({.id = "grouped_gemm.fp8",
                              .precision = spec::Precision::fp8_blockwise,
                              .shape = {.groups = 4, .m = i, .n = 256, .k = 256},
                              .work = flop(2.0 * 4 * i * 256 * 256)});
  }
  return p;
}

}  // namespace planewise::calibration
