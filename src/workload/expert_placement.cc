#include "workload/expert_placement.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "workload/token_pool.h"

namespace planewise::workload {
namespace {

constexpr std::uint64_t kOfChance = 0xc4a9ce;  // Apart from other draws of the same seed.

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// That of the busiest rank of one layer, in pairs over their mean.
double busiest_of_layer(const std::vector<double>& rank_load, double pairs, Random& random) {
  double most = 0;
  for (const double load : rank_load) {
    const double expected = load * pairs;
    most = std::max(most, expected + std::sqrt(expected) * random.normal());
  }
  return most / pairs;
}

}  // namespace

ExpertPlacement place_experts(const std::vector<double>& popularity, int slots, int ranks) {
  const int experts = static_cast<int>(popularity.size());
  PW_CHECK(slots >= experts);
  PW_CHECK(ranks > 0 && slots % ranks == 0);
  ExpertPlacement placement{.copies = std::vector<int>(at(experts), 1),
                            .rank_load = std::vector<double>(at(ranks), 0)};
  const auto load = [&](int expert) {
    return popularity[at(expert)] / placement.copies[at(expert)];
  };
  for (int slot = experts; slot < slots; ++slot) {
    int busiest = 0;
    for (int expert = 1; expert < experts; ++expert) {
      if (load(expert) > load(busiest)) busiest = expert;
    }
    placement.copies[at(busiest)] += 1;
  }
  std::vector<double> loads;
  for (int expert = 0; expert < experts; ++expert) {
    loads.insert(loads.end(), at(placement.copies[at(expert)]), load(expert));
  }
  std::stable_sort(loads.begin(), loads.end(), std::greater<>());
  std::vector<int> room(at(ranks), slots / ranks);
  for (const double heaviest : loads) {
    int least = -1;
    for (int rank = 0; rank < ranks; ++rank) {
      const bool is_less =
          least < 0 || placement.rank_load[at(rank)] < placement.rank_load[at(least)];
      if (room[at(rank)] > 0 && is_less) least = rank;
    }
    placement.rank_load[at(least)] += heaviest;
    room[at(least)] -= 1;
  }
  const double mean =
      std::accumulate(placement.rank_load.begin(), placement.rank_load.end(), 0.0) / ranks;
  for (double& value : placement.rank_load) value /= mean;
  return placement;
}

double busiest_load(const BusiestInput& in) {
  if (in.routing.tokens == spec::TokenRouting::balanced || in.ranks == 1) return 1;
  const int layers = in.model.layers - in.model.moe->first_dense_layers;
  double sum = 0;
  for (int layer = 0; layer < layers; ++layer) {
    Random random(
        fold_bits(fold_bits(mix_bits(in.seed), kOfChance), static_cast<std::uint64_t>(layer)));
    const std::vector<double> popularity = expert_popularity(in.model, in.routing, in.seed, layer);
    sum +=
        busiest_of_layer(place_experts(popularity, in.slots, in.ranks).rank_load, in.pairs, random);
  }
  return sum / layers;
}

}  // namespace planewise::workload
