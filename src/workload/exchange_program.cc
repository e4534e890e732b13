#include "workload/exchange_program.h"

#include "base/check.h"

namespace planewise::workload {

Program exchange_program(const MoeTraffic& moe, const Placement& placement,
                         const spec::CollectiveCurve& curve) {
  PW_CHECK(moe.ranks.size() == placement.gpu_of_rank.size());
  Program program;
  program.labels = {{.name = curve.id}};
  program.stage_of_rank.assign(moe.ranks.size(), 0);
  program.stages = {{.chunks = {{.name = curve.id, .steps = {{StepKind::exchange, 0}}}},
                     .slots = {{Phase::forward_1f, 0}}}};
  program.transfers = {{.label = 0,
                        .members = moe.ranks,
                        .flows = dispatch_flows(moe, placement, curve),
                        .latency = curve.latency}};
  return program;
}

Rate logical_rate(const MoeTraffic& moe, Seconds time) {
  return bytes(moe.tokens * moe.nodes_per_token * moe.bytes_per_token) / time;
}

}  // namespace planewise::workload
