// Two ranks that run steps written by hand; what the tests of the driver and its observers vary.
#pragma once

#include <vector>

#include "engine/engine.h"
#include "simulate/driver.h"

namespace planewise::test {

using workload::Phase;
using workload::Program;
using workload::StepKind;

/// Two ranks that run `steps[rank]` as one slot; one 1 GB/s link each way (links 0 and 1).
struct TwoRanks {
  Program program{};
  simulate::System system{};

  TwoRanks(std::vector<workload::Step> first, std::vector<workload::Step> second) {
    program.blocks = {{.name = "1 s", .time = seconds(1)}, {.name = "3 s", .time = seconds(3)}};
    program.labels = {{.name = "exchange"}, {.name = "message", .is_message = true}};
    program.stage_of_rank = {0, 1};
    for (auto* steps : {&first, &second}) {
      program.stages.push_back(
          {.chunks = {{.name = "all", .steps = *steps}}, .slots = {{Phase::forward_1f, 0}}});
    }
    system.program = &program;
    system.rank_of = {0, 1};
    system.rank_weight = {1, 1};
    system.links = {{.capacity = gigabytes_per_second(1)}, {.capacity = gigabytes_per_second(1)}};
    system.paths = {0, 1};
    // An exchange of 2 GB one way and 1 GB the other; a message of 1 GB from rank 0 to rank 1.
    system.flows = {flow(0, 1, 2e9, 0), flow(1, 0, 1e9, 1), flow(0, 1, 1e9, 0)};
    system.transfers = {
        {.label = 0, .members = {0, 1}, .flow_begin = 0, .flow_end = 2, .tail = seconds(0.5)},
        {.label = 1, .members = {0, 1}, .flow_begin = 2, .flow_end = 3}};
  }

  static simulate::SystemFlow flow(int source, int destination, double size, int link) {
    return {.source = source,
            .destination = destination,
            .size = bytes(size),
            .latency = seconds(0.25),
            .path_begin = link,
            .path_length = 1};
  }
  simulate::DrivenStep drive_fast(const simulate::Observers& observers = {}) const {
    return simulate::drive(system, engine::make_fast_engine, {}, observers);
  }
};

inline constexpr workload::Step kOneSecond{StepKind::compute, 0};
inline constexpr workload::Step kThreeSeconds{StepKind::compute, 1};
inline constexpr workload::Step kExchange{StepKind::exchange, 0};
inline constexpr workload::Step kSend{StepKind::send, 1};
inline constexpr workload::Step kReceive{StepKind::receive, 1};

}  // namespace planewise::test
