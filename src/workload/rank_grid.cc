#include "workload/rank_grid.h"

#include <functional>
#include <map>
#include <utility>

namespace planewise::workload {
namespace {

using spec::Axis;

/// Axes of one grid, fastest first, with where a rank's place on each is kept.
struct GridAxis {
  int size = 1;
  int RankPlace::*place = nullptr;
};

std::vector<GridAxis> dense_axes(const spec::ParallelSpec& p) {
  std::vector<GridAxis> axes;
  for (const Axis axis : p.order) {
    if (axis == Axis::tensor) axes.push_back({p.tensor, &RankPlace::tensor});
    if (axis == Axis::context) axes.push_back({p.context, &RankPlace::context});
    if (axis == Axis::data) axes.push_back({p.data, &RankPlace::data});
    if (axis == Axis::pipeline) axes.push_back({p.pipeline, &RankPlace::pipeline});
  }
  return axes;
}

std::vector<GridAxis> expert_axes(const spec::ParallelSpec& p) {
  const auto replicas =
      static_cast<int>(p.ranks_per_stage() / (std::int64_t{p.expert} * p.expert_tensor));
  std::vector<GridAxis> axes;
  for (const Axis axis : p.order) {
    if (axis == Axis::tensor) axes.push_back({p.expert_tensor, &RankPlace::expert_tensor});
    if (axis == Axis::expert) axes.push_back({p.expert, &RankPlace::expert});
    if (axis == Axis::data) axes.push_back({replicas, &RankPlace::expert_data});
  }
  return axes;
}

void place_along(const std::vector<GridAxis>& axes, int index, RankPlace& place) {
  for (const GridAxis& axis : axes) {
    place.*axis.place = index % axis.size;
    index /= axis.size;
  }
}

/// Groups of ranks with one key each, in order of the key; each group in order of rank.
RankGrid::Groups group_by(const std::vector<int>& ranks,
                          const std::function<std::pair<int, int>(int)>& key) {
  std::map<std::pair<int, int>, std::vector<int>> groups;
  for (const int rank : ranks) groups[key(rank)].push_back(rank);
  RankGrid::Groups result;
  for (auto& [_, group] : groups) result.push_back(std::move(group));
  return result;
}

}  // namespace

RankGrid::RankGrid(const spec::ParallelSpec& parallel) {
  const auto ranks = static_cast<int>(parallel.ranks());
  places_.resize(static_cast<std::size_t>(ranks));
  position_.resize(places_.size());
  stages_.resize(static_cast<std::size_t>(parallel.pipeline));
  const std::vector<GridAxis> dense = dense_axes(parallel);
  const std::vector<GridAxis> expert = expert_axes(parallel);
  for (int rank = 0; rank < ranks; ++rank) {
    RankPlace& place = places_[static_cast<std::size_t>(rank)];
    place_along(dense, rank, place);
    std::vector<int>& stage = stages_[static_cast<std::size_t>(place.pipeline)];
    position_[static_cast<std::size_t>(rank)] = static_cast<int>(stage.size());
    place_along(expert, static_cast<int>(stage.size()), place);
    stage.push_back(rank);
  }
}

RankGrid::Groups RankGrid::tensor_groups(int pipeline) const {
  return group_by(stages_[static_cast<std::size_t>(pipeline)],
                  [this](int rank) { return std::pair(place(rank).context, place(rank).data); });
}
RankGrid::Groups RankGrid::context_groups(int pipeline) const {
  return group_by(stages_[static_cast<std::size_t>(pipeline)],
                  [this](int rank) { return std::pair(place(rank).tensor, place(rank).data); });
}
RankGrid::Groups RankGrid::replica_groups(int pipeline) const {
  return group_by(stages_[static_cast<std::size_t>(pipeline)],
                  [this](int rank) { return std::pair(place(rank).tensor, 0); });
}
RankGrid::Groups RankGrid::expert_groups(int pipeline) const {
  return group_by(stages_[static_cast<std::size_t>(pipeline)], [this](int rank) {
    return std::pair(place(rank).expert_tensor, place(rank).expert_data);
  });
}
RankGrid::Groups RankGrid::expert_tensor_groups(int pipeline) const {
  return group_by(stages_[static_cast<std::size_t>(pipeline)], [this](int rank) {
    return std::pair(place(rank).expert, place(rank).expert_data);
  });
}
RankGrid::Groups RankGrid::expert_replica_groups(int pipeline) const {
  return group_by(stages_[static_cast<std::size_t>(pipeline)], [this](int rank) {
    return std::pair(place(rank).expert_tensor, place(rank).expert);
  });
}

int RankGrid::at_pipeline(int rank, int pipeline) const {
  const auto position = static_cast<std::size_t>(position_[static_cast<std::size_t>(rank)]);
  return stages_[static_cast<std::size_t>(pipeline)][position];
}

std::vector<std::vector<int>> by_node(const std::vector<int>& group, const Placement& placement) {
  std::map<std::int64_t, std::size_t> index_of;
  std::vector<std::vector<int>> nodes;
  for (const int rank : group) {
    const auto [found, is_new] = index_of.try_emplace(placement.node(rank), nodes.size());
    if (is_new) nodes.emplace_back();
    nodes[found->second].push_back(rank);
  }
  for (const std::vector<int>& node : nodes) {
    if (node.size() != nodes.front().size()) return {};
  }
  return nodes;
}

}  // namespace planewise::workload
