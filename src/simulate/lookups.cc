#include "simulate/lookups.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace planewise::simulate {
namespace {

using workload::StepKind;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

void find_transfers(const System& system, Lookups& tables) {
  const workload::Program& program = *system.program;
  tables.joined.assign(program.labels.size(), std::vector<int>(system.rank_of.size(), -1));
  tables.received = tables.joined;
  tables.transfer_of_flow.resize(system.flows.size());
  for (std::size_t t = 0; t < system.transfers.size(); ++t) {
    const SystemTransfer& transfer = system.transfers[t];
    const std::size_t label = at(transfer.label);
    if (program.labels[label].is_message) {
      tables.joined[label][at(transfer.members[0])] = static_cast<int>(t);
      tables.received[label][at(transfer.members[1])] = static_cast<int>(t);
    } else {
      for (const int rank : transfer.members) tables.joined[label][at(rank)] = static_cast<int>(t);
    }
    for (int f = transfer.flow_begin; f < transfer.flow_end; ++f) {
      tables.transfer_of_flow[at(f)] = static_cast<int>(t);
    }
  }
}

void group_flows(const System& system, Lookups& tables) {
  std::vector<int>& flows = tables.by_latency;
  flows.resize(system.flows.size());
  std::iota(flows.begin(), flows.end(), 0);
  const auto by_latency = [&system](int a, int b) {
    return system.flows[at(a)].latency < system.flows[at(b)].latency;
  };
  for (const SystemTransfer& transfer : system.transfers) {
    tables.first_group.push_back(tables.groups.size());
    const auto first = flows.begin() + transfer.flow_begin;
    std::stable_sort(first, flows.begin() + transfer.flow_end, by_latency);
    for (int i = transfer.flow_begin; i < transfer.flow_end; ++i) {
      const bool is_later = i > transfer.flow_begin && by_latency(flows[at(i - 1)], flows[at(i)]);
      if (i == transfer.flow_begin || is_later) tables.groups.push_back({i, i});
      tables.groups.back().end = i + 1;
    }
  }
  tables.first_group.push_back(tables.groups.size());
}

void check_step(const workload::Step& step, const workload::Program& program) {
  if (step.kind == StepKind::compute) {
    PW_CHECK(at(step.index) < program.blocks.size());
    PW_CHECK(step.load < static_cast<int>(program.loads.size()));
    return;
  }
  const bool is_message = step.kind == StepKind::send || step.kind == StepKind::send_queued ||
                          step.kind == StepKind::receive;
  const workload::Label& label = program.labels.at(at(step.index));
  PW_CHECK(label.is_message == is_message);
  PW_CHECK(label.queue >= 0);
  PW_CHECK(label.queue < workload::kQueueCount);
}

}  // namespace

Lookups make_lookups(const System& system) {
  const workload::Program& program = *system.program;
  Lookups tables;
  find_transfers(system, tables);
  group_flows(system, tables);
  for (const workload::StageProgram& stage : program.stages) {
    for (const workload::Chunk& chunk : stage.chunks) {
      for (const workload::Step& step : chunk.steps) check_step(step, program);
    }
  }
  for (const int rank : system.rank_of) {
    const workload::StageProgram& stage = program.stages[at(program.stage_of_rank[at(rank)])];
    for (const workload::Slot& slot : stage.slots) {
      tables.steps += static_cast<std::int64_t>(stage.chunks[at(slot.chunk)].steps.size());
    }
  }
  return tables;
}

}  // namespace planewise::simulate
