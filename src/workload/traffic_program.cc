#include "workload/traffic_program.h"

#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "workload/collectives.h"

namespace planewise::workload {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// No phase of the training table fits; a traffic report shows chunks instead.
constexpr Phase kPhase = Phase::overlapped_1f1b;

/// Joins the roles of all steps: ranks with the same roles throughout share a stage.
class StageBuilder {
 public:
  StageBuilder(const spec::TrafficSpec& traffic, std::vector<StepRoles> steps, Program& program)
      : traffic_(traffic), steps_(std::move(steps)), program_(program) {}

  void build() {
    std::map<std::vector<int>, int> stage_of;
    for (int rank = 0; rank < program_.rank_count(); ++rank) {
      std::vector<int> roles;
      for (const StepRoles& step : steps_) roles.push_back(step.role_of_rank[at(rank)]);
      const auto [entry, is_new] =
          stage_of.try_emplace(std::move(roles), static_cast<int>(program_.stages.size()));
      if (is_new) program_.stages.push_back(stage(entry->first));
      program_.stage_of_rank[at(rank)] = entry->second;
    }
  }

 private:
  StageProgram stage(const std::vector<int>& roles) const {
    StageProgram stage;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      stage.chunks.push_back(
          {.name = traffic_.steps[i].name, .steps = steps_[i].roles[at(roles[i])]});
    }
    for (std::int64_t round = 0; round < traffic_.repeat; ++round) {
      for (int i = 0; i < static_cast<int>(steps_.size()); ++i) stage.slots.push_back({kPhase, i});
    }
    return stage;
  }

  const spec::TrafficSpec& traffic_;
  std::vector<StepRoles> steps_;
  Program& program_;
};

int add_pause(Program& program, const std::string& name, Seconds time) {
  program.blocks.push_back({.name = name, .time = time});
  return static_cast<int>(program.blocks.size()) - 1;
}

/// Two ranks a flow; see place_traffic. A trigger is an exchange without flows between those that
/// activate it and those that it starts.
class MatrixBuilder {
 public:
  MatrixBuilder(const spec::TrafficMatrix& matrix, Program& program)
      : matrix_(matrix), program_(program) {}

  void build() {
    const int flows = static_cast<int>(matrix_.flows.size());
    program_.stage_of_rank.resize(2 * at(flows));
    program_.labels.push_back({.name = "flows"});
    for (int f = 0; f < flows; ++f) {
      program_.transfers.push_back(
          {.label = 0,
           .members = {2 * f, 2 * f + 1},
           .flows = {
               {.source = 2 * f, .destination = 2 * f + 1, .size = matrix_.flows[at(f)].size}}});
    }
    add_triggers();
    for (int f = 0; f < flows; ++f) add_flow(f);
  }

 private:
  /// A rank takes part in two triggers at most, and in one exchange a label: each trigger takes the
  /// first label that none of its ranks has.
  void add_triggers() {
    std::vector<std::vector<int>> labels_of_rank(program_.stage_of_rank.size());
    for (const spec::MatrixTrigger& trigger : matrix_.triggers) {
      std::vector<int> members;
      for (const int f : trigger.senders) members.push_back(2 * f);
      for (const int f : trigger.receivers) members.push_back(2 * f + 1);
      for (const int f : trigger.targets) members.push_back(2 * f);
      std::vector<bool> taken(program_.labels.size() + 1, false);
      taken[0] = true;
      for (const int rank : members) {
        for (const int label : labels_of_rank[at(rank)]) taken[at(label)] = true;
      }
      int label = 1;
      while (taken[at(label)]) ++label;
      if (label == static_cast<int>(program_.labels.size())) {
        program_.labels.push_back({.name = "triggers " + std::to_string(label)});
      }
      for (const int rank : members) labels_of_rank[at(rank)].push_back(label);
      label_of_trigger_.push_back(label);
      program_.transfers.push_back({.label = label, .members = std::move(members)});
    }
  }

  void add_flow(int f) {
    const spec::MatrixFlow& flow = matrix_.flows[at(f)];
    std::vector<Step> wait;
    if (flow.trigger >= 0) {
      wait = await(flow.trigger);
    } else if (flow.start > Seconds{}) {
      const auto [entry, is_new] = pauses_.try_emplace(flow.start, 0);
      if (is_new) entry->second = add_pause(program_, "start", flow.start);
      wait.push_back({StepKind::compute, entry->second});
    }
    program_.stage_of_rank[at(2 * f)] = stage(wait, await(flow.send_done_trigger));
    program_.stage_of_rank[at(2 * f + 1)] = stage({}, await(flow.recv_done_trigger));
  }

  std::vector<Step> await(int trigger) const {
    if (trigger < 0) return {};
    return {{StepKind::exchange, label_of_trigger_[at(trigger)]}};
  }

  /// The stage with these steps, each once.
  int stage(const std::vector<Step>& wait, const std::vector<Step>& done) {
    std::vector<int> key;
    for (const std::vector<Step>& steps : {wait, done}) {
      key.push_back(static_cast<int>(steps.size()));
      for (const Step& step : steps) {
        key.insert(key.end(), {static_cast<int>(step.kind), step.index});
      }
    }
    const auto [entry, is_new] =
        stages_.try_emplace(std::move(key), static_cast<int>(program_.stages.size()));
    if (!is_new) return entry->second;
    StageProgram stage;
    stage.chunks = {{.name = "wait", .steps = wait},
                    {.name = "flow", .steps = {{StepKind::exchange, 0}}},
                    {.name = "done", .steps = done}};
    stage.slots = {{kPhase, kMatrixWait}, {kPhase, kMatrixFlow}, {kPhase, kMatrixDone}};
    program_.stages.push_back(std::move(stage));
    return entry->second;
  }

  const spec::TrafficMatrix& matrix_;
  Program& program_;
  std::vector<int> label_of_trigger_;
  std::map<Seconds, int> pauses_;
  std::map<std::vector<int>, int> stages_;
};

}  // namespace

Bytes sent_by_rank(const spec::TrafficStep& step) {
  const int others = step.group - 1;
  switch (step.collective) {
    case spec::Collective::all_to_all:
      return step.size * others;
    case spec::Collective::all_reduce:
      return step.size * (2.0 * others / step.group);
    case spec::Collective::reduce_scatter:
    case spec::Collective::all_gather:
      return step.size * (static_cast<double>(others) / step.group);
    case spec::Collective::broadcast:
    case spec::Collective::send:
      return step.size;
  }
  PW_UNREACHABLE("Collective has six values");
}

spec::Reach reach_of(const RankGroups& groups, const Placement& placement) {
  for (const std::vector<int>& group : groups) {
    for (const int rank : group) {
      if (placement.node(rank) != placement.node(group.front())) return spec::Reach::network;
    }
  }
  return spec::Reach::node;
}

spec::CollectiveCurve curve_of(const TrafficInput& in, const spec::TrafficStep& step,
                               spec::Reach reach) {
  if (in.profile == nullptr) return {.id = step.curve};
  const spec::CollectiveCurve* curve =
      spec::find_collective(*in.profile, step.curve, spec::Beside::alone, reach);
  PW_CHECK(curve != nullptr);
  return spec::at_size(*curve, sent_by_rank(step));
}

Placement place_traffic(const spec::TrafficSpec& traffic, int gpus_per_node) {
  if (!traffic.matrix) return place_in_order(traffic.ranks, gpus_per_node);
  Placement placement{.gpus_per_node = gpus_per_node};
  for (const spec::MatrixFlow& flow : traffic.matrix->flows) {
    placement.gpu_of_rank.insert(placement.gpu_of_rank.end(), {flow.source, flow.destination});
  }
  return placement;
}

Program traffic_program(const TrafficInput& in, const Placement& placement) {
  Program program;
  program.size_spread = in.traffic.size_spread;
  if (in.traffic.matrix) {
    MatrixBuilder(*in.traffic.matrix, program).build();
    return program;
  }
  program.in_step = true;
  program.stage_of_rank.resize(at(in.traffic.ranks));
  std::vector<StepRoles> steps;
  for (const spec::TrafficStep& step : in.traffic.steps) {
    if (step.is_compute) {
      const int block = add_pause(program, step.name, step.compute);
      steps.push_back({.roles = {{{StepKind::compute, block}}},
                       .role_of_rank = std::vector<int>(at(in.traffic.ranks), 0)});
      continue;
    }
    const RankGroups groups = groups_of(step, in.traffic.ranks, placement.gpus_per_node);
    const spec::CollectiveCurve curve = curve_of(in, step, reach_of(groups, placement));
    steps.push_back(expand_collective(
        {.step = step, .groups = groups, .placement = placement, .curve = curve}, program));
  }
  StageBuilder(in.traffic, std::move(steps), program).build();
  return program;
}

}  // namespace planewise::workload
