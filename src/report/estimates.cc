#include "report/estimates.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace planewise::report {
namespace {

/// An operator of the program and how often it ran, over all ranks.
struct Counted {
  const workload::Operator& op;
  double times = 0;
};

/// Imbalance is left out: each compute step counts as with balanced tokens.
std::vector<Counted> counted_operators(const workload::Program& program,
                                       const simulate::Result& result) {
  std::vector<double> stage_ranks(program.stages.size());
  for (const simulate::RankResult& rank : result.ranks) {
    stage_ranks[static_cast<std::size_t>(rank.stage)] += static_cast<double>(rank.rank_count);
  }
  std::vector<Counted> all;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    const workload::StageProgram& runs = program.stages[stage];
    std::vector<double> passes(runs.chunks.size());
    for (const workload::Slot& slot : runs.slots) {
      passes[static_cast<std::size_t>(slot.chunk)] += stage_ranks[stage];
    }
    for (std::size_t chunk = 0; chunk < runs.chunks.size(); ++chunk) {
      for (const workload::Step& step : runs.chunks[chunk].steps) {
        if (step.kind != workload::StepKind::compute) continue;
        const auto& block = program.blocks[static_cast<std::size_t>(step.index)];
        for (const workload::Operator& op : block.operators) all.push_back({op, passes[chunk]});
      }
    }
  }
  return all;
}

}  // namespace

std::vector<EstimatedPart> largest_estimates(const workload::Program& program,
                                             const simulate::Result& result) {
  Seconds all{};
  std::map<std::string, Seconds> times;
  for (const simulate::RankResult& rank : result.ranks) {
    const auto weight = static_cast<double>(rank.rank_count);
    all += rank.compute * weight;
    for (std::size_t i = 0; i < rank.exposed.size(); ++i) {
      all += rank.exposed[i] * weight;
      const workload::Label& label = program.labels[i];
      if (spec::is_estimate(label.evidence)) times[label.name] += rank.exposed[i] * weight;
    }
  }
  for (const Counted& counted : counted_operators(program, result)) {
    if (!spec::is_estimate(counted.op.evidence)) continue;
    times[counted.op.id] += counted.op.time * counted.times;
  }
  std::vector<EstimatedPart> parts;
  for (const auto& [name, time] : times) {
    if (time > Seconds{}) parts.push_back({name, time, time.in(all)});
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.time > b.time; });
  return parts;
}

std::vector<ExtrapolatedPart> extrapolated_parts(const workload::Program& program,
                                                 const simulate::Result& result) {
  Seconds all{};
  std::map<std::tuple<std::string, double, double>, ExtrapolatedPart> parts;
  for (const auto& [op, times] : counted_operators(program, result)) {
    const Seconds time = op.time * times;
    all += time;
    if (!op.extrapolated || time == Seconds{}) continue;
    const workload::Extrapolation& beyond = *op.extrapolated;
    const auto [found, is_new] =
        parts.try_emplace({op.id, beyond.valid.least, beyond.valid.most},
                          ExtrapolatedPart{.id = op.id,
                                           .kind = beyond.kind,
                                           .asked = {.least = beyond.asked, .most = beyond.asked},
                                           .valid = beyond.valid});
    ExtrapolatedPart& part = found->second;
    part.asked.least = std::min(part.asked.least, beyond.asked);
    part.asked.most = std::max(part.asked.most, beyond.asked);
    part.time += time;
  }
  std::vector<ExtrapolatedPart> sorted;
  for (auto& [key, part] : parts) {
    part.compute_share = part.time.in(all);
    sorted.push_back(std::move(part));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.time > b.time; });
  return sorted;
}

}  // namespace planewise::report
