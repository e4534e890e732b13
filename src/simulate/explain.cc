#include "simulate/explain.h"

#include <algorithm>
#include <functional>
#include <map>

#include "base/check.h"

namespace planewise::simulate {
namespace {

using workload::StepKind;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

std::string name_of(const PathSegment& segment, const workload::Program& program) {
  return segment.kind == StepKind::compute ? program.blocks[at(segment.index)].name
                                           : program.labels[at(segment.index)].name;
}

void add(PathShare& share, const PathSegment& segment) {
  share.pieces += 1;
  share.time += segment.time();
  share.latency += segment.latency;
}

/// In order of key, each named.
std::vector<PathShare> named(const std::map<int, PathShare>& shares,
                             const std::function<std::string(int)>& name) {
  std::vector<PathShare> list;
  for (const auto& [key, share] : shares) {
    list.push_back(share);
    list.back().name = name(key);
  }
  return list;
}

/// The kind of link that a piece on the wire waited for.
std::optional<fabric::LinkKind> bound_of(const PathSegment& segment, const System& system) {
  const TransferBound& bound = system.transfers[at(segment.transfer)].bound;
  constexpr double kRounding = 1 + 1e-9;
  const bool contends = segment.time() > bound.alone * kRounding;
  return contends ? bound.together_by : bound.alone_by;
}

std::vector<Saving> savings_of(const std::vector<PathSegment>& path, const System& system) {
  Saving compute{.what = Saving::What::compute};
  Saving latency{.what = Saving::What::latency};
  std::map<fabric::LinkKind, Saving> links;
  for (const PathSegment& segment : path) {
    if (segment.kind == StepKind::compute) {
      compute.on_path += segment.time();
      continue;
    }
    latency.on_path += segment.latency;
    if (const auto kind = bound_of(segment, system)) {
      Saving& saving = links[upwards(*kind)];
      saving.what = Saving::What::links;
      saving.kind = upwards(*kind);
      saving.on_path += segment.time() - segment.latency;
    }
  }
  std::vector<Saving> savings = {compute, latency};
  for (const auto& [kind, saving] : links) savings.push_back(saving);
  for (Saving& saving : savings) saving.at_most = saving.on_path / 2;
  std::erase_if(savings, [](const Saving& saving) { return saving.at_most == Seconds{}; });
  std::stable_sort(savings.begin(), savings.end(),
                   [](const Saving& a, const Saving& b) { return a.at_most > b.at_most; });
  return savings;
}

std::vector<NamedSegment> longest_of(const std::vector<PathSegment>& path, const System& system,
                                     std::size_t count) {
  std::vector<PathSegment> sorted = path;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const PathSegment& a, const PathSegment& b) { return a.time() > b.time(); });
  sorted.resize(std::min(count, sorted.size()));
  std::vector<NamedSegment> named;
  for (const PathSegment& segment : sorted) {
    const int rank = system.rank_of[at(segment.rank)];
    named.push_back({.name = name_of(segment, *system.program),
                     .rank = rank,
                     .stage = system.program->stage_of_rank[at(rank)],
                     .segment = segment});
  }
  return named;
}

}  // namespace

Explanation explain(const std::vector<PathSegment>& path, const System& system,
                    std::size_t longest) {
  const workload::Program& program = *system.program;
  const auto block_count = static_cast<int>(program.blocks.size());
  const std::vector<int> line_of = first_of_name(program);
  std::map<int, PathShare> by_work;  // Blocks, then labels.
  std::map<int, PathShare> by_phase;
  std::map<int, PathShare> by_stage;
  for (const PathSegment& segment : path) {
    const bool computes = segment.kind == StepKind::compute;
    const int work = computes ? segment.index : block_count + line_of[at(segment.index)];
    add(by_work[work], segment);
    add(by_phase[static_cast<int>(segment.phase)], segment);
    add(by_stage[program.stage_of_rank[at(system.rank_of[at(segment.rank)])]], segment);
  }
  const auto work_name = [&](int key) {
    return key < block_count ? program.blocks[at(key)].name
                             : program.labels[at(key - block_count)].name;
  };
  Explanation explanation{
      .by_work = named(std::move(by_work), work_name),
      .by_phase = named(std::move(by_phase),
                        [](int phase) { return std::string(workload::kPhaseWords[at(phase)]); }),
      .by_stage = named(std::move(by_stage), [](int stage) { return std::to_string(stage); }),
      .pieces = static_cast<std::int64_t>(path.size()),
      .longest = longest_of(path, system, longest),
      .savings = savings_of(path, system)};
  std::stable_sort(explanation.by_work.begin(), explanation.by_work.end(),
                   [](const PathShare& a, const PathShare& b) { return a.time > b.time; });
  return explanation;
}

}  // namespace planewise::simulate
