#include "spec/placement_file.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "spec/number_table.h"

namespace planewise::spec {

PlacementFile read_placement(const std::string& path, std::int64_t ranks,
                             Diagnostics& diagnostics) {
  constexpr std::int64_t kMostGpus = 100'000'000;
  Diagnostics own;
  NumberTable table = read_number_table(path, {.what = "a placement", .header = "rank,gpu"}, own);
  std::vector<std::int64_t> gpu_of_rank(static_cast<std::size_t>(ranks), -1);
  std::map<std::int64_t, std::int64_t> rank_of_gpu;
  const auto refuse = [&](Position at, const std::string& message, const std::string& hint) {
    own.add(table.origin, at, "", message, hint);
  };
  for (const NumberRow& row : table.rows) {
    if (row.values[0] >= static_cast<double>(ranks)) {
      refuse(row.places[0], fmt::format("rank {:.0f} of a job of {} ranks", row.values[0], ranks),
             fmt::format("ranks are 0 to {}", ranks - 1));
      continue;
    }
    if (row.values[1] >= static_cast<double>(kMostGpus)) {
      refuse(row.places[1], "no cluster has so many GPUs", "GPUs count from 0");
      continue;
    }
    const auto rank = static_cast<std::int64_t>(row.values[0]);
    const auto gpu = static_cast<std::int64_t>(row.values[1]);
    std::int64_t& place = gpu_of_rank[static_cast<std::size_t>(rank)];
    if (place >= 0) refuse(row.places[0], fmt::format("rank {} is already placed", rank), "");
    place = gpu;
    const auto [other, is_new] = rank_of_gpu.try_emplace(gpu, rank);
    if (!is_new && other->second != rank) {
      refuse(row.places[1], fmt::format("GPU {} already runs rank {}", gpu, other->second),
             "every rank runs on a GPU of its own");
    }
  }
  for (std::size_t rank = 0; own.empty() && rank < gpu_of_rank.size(); ++rank) {
    if (gpu_of_rank[rank] >= 0) continue;
    refuse({.line = 1, .column = 1}, fmt::format("no GPU for rank {}", rank),
           fmt::format("place all {} ranks", ranks));
  }
  diagnostics.add(own);
  return {.origin = std::move(table.origin), .gpu_of_rank = std::move(gpu_of_rank)};
}

}  // namespace planewise::spec
