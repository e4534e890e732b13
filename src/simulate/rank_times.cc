#include "simulate/rank_times.h"

#include <algorithm>

namespace planewise::simulate {
namespace {

using workload::Phase;

std::size_t at(int index) { return static_cast<std::size_t>(index); }
std::size_t at(Phase phase) { return static_cast<std::size_t>(phase); }

}  // namespace

RankTimes::RankTimes(const System& system)
    : system_(system), program_(*system.program), results_(system.rank_of.size()) {
  for (std::size_t i = 0; i < results_.size(); ++i) {
    RankResult& result = results_[i];
    result.rank = system.rank_of[i];
    result.rank_count = system.rank_weight[i];
    result.stage = program_.stage_of_rank[at(result.rank)];
    result.exposed.resize(program_.labels.size());
    result.busy.resize(program_.labels.size());
    result.chunks.resize(program_.stages[at(result.stage)].chunks.size());
  }
}

Seconds RankTimes::compute_time(int rank, const workload::Step& step) const {
  const workload::Block& block = program_.blocks[at(step.index)];
  if (step.load < 0) return block.time;
  const double load = program_.loads[at(step.load)][at(system_.rank_of[at(rank)])];
  return block.time + block.routed_time * (load - 1);
}

void RankTimes::add_compute(int rank, Phase phase, const workload::Step& step) {
  const workload::Block& block = program_.blocks[at(step.index)];
  RankResult& result = of(rank);
  const Seconds time = compute_time(rank, step);
  result.phases[at(phase)] += time;
  result.compute += time;
  result.estimated_compute += block.estimated_time;
  if (step.load < 0) return;
  const Seconds more = time - block.time;
  result.imbalance += more;
  if (more != Seconds{}) result.estimated_compute += more * block.estimated_time.in(block.time);
}

void RankTimes::add_part(const PartTimes& p) {
  RankResult& result = of(p.rank);
  result.busy[at(p.label)] += p.ended - p.part.began;
  if (!p.waited_since) return;
  const Seconds began = std::max(p.part.began, *p.waited_since);
  const Seconds skew = began - std::max(p.part.joined, *p.waited_since);
  const Seconds own = p.ended - began;
  result.phases[at(p.phase)] += own;
  result.exposed[at(p.label)] += own;
  if (p.phase == Phase::optimizer) {
    result.phases[at(Phase::bubble)] += skew;
  } else {
    result.phases[at(p.phase)] += skew;
    result.skew += skew;
  }
}

void RankTimes::add_bubble(int rank, Seconds time) { of(rank).phases[at(Phase::bubble)] += time; }

}  // namespace planewise::simulate
