#include "spec/expert_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "spec/number_table.h"

namespace planewise::spec {
namespace {

constexpr double kMostLayers = 10'000;
constexpr double kMostExperts = 100'000;
constexpr double kMissing = -1;

/// Collects what the rows say, and what is wrong with them.
class CountsReader {
 public:
  CountsReader(const NumberTable& table, Diagnostics& diagnostics)
      : table_(table), diagnostics_(diagnostics) {}

  std::vector<std::vector<double>> read() {
    for (const NumberRow& row : table_.rows) add(row);
    if (diagnostics_.empty()) check_layers();
    return std::move(counts_);
  }

 private:
  void refuse(Position at, const std::string& message, const std::string& hint = {}) {
    diagnostics_.add(table_.origin, at, "", message, hint);
  }

  void add(const NumberRow& row) {
    const bool is_index = row.values[0] == std::floor(row.values[0]) &&
                          row.values[1] == std::floor(row.values[1]) &&
                          row.values[0] < kMostLayers && row.values[1] < kMostExperts;
    if (!is_index) {
      refuse(row.at, fmt::format("no layer {:g} with an expert {:g}", row.values[0], row.values[1]),
             "layers and experts are whole numbers from 0");
      return;
    }
    const auto layer = static_cast<std::size_t>(row.values[0]);
    const auto expert = static_cast<std::size_t>(row.values[1]);
    if (layer >= counts_.size()) counts_.resize(layer + 1);
    if (expert >= counts_[layer].size()) counts_[layer].resize(expert + 1, kMissing);
    if (counts_[layer][expert] != kMissing) {
      refuse(row.at, fmt::format("expert {} of layer {} is there already", expert, layer),
             "keep one of the two rows");
    }
    counts_[layer][expert] = row.values[2];
  }

  void check_layers() {
    for (std::size_t layer = 0; layer < counts_.size(); ++layer) {
      const std::vector<double>& experts = counts_[layer];
      const auto missing = std::find(experts.begin(), experts.end(), kMissing);
      if (experts.size() != counts_.front().size() || missing != experts.end()) {
        refuse({.line = 1, .column = 1},
               fmt::format("layer {} does not have every expert; write all {} of them", layer,
                           counts_.front().size()),
               "an expert without tokens has a row with 0");
        return;
      }
      if (std::accumulate(experts.begin(), experts.end(), 0.0) == 0) {
        refuse({.line = 1, .column = 1}, fmt::format("no expert of layer {} has a token", layer),
               "leave the tokens to chance with 'tokens: random'");
        return;
      }
    }
  }

  const NumberTable& table_;
  Diagnostics& diagnostics_;
  std::vector<std::vector<double>> counts_;
};

}  // namespace

ExpertCounts read_expert_counts(const std::string& path, Diagnostics& diagnostics) {
  Diagnostics own;
  NumberTable table = read_number_table(
      path, {.what = "a table of expert counts", .header = "layer,expert,tokens", .whole = false},
      own);
  ExpertCounts counts;
  if (own.empty()) counts.tokens = CountsReader(table, own).read();
  counts.origin = std::move(table.origin);
  diagnostics.add(own);
  return counts;
}

}  // namespace planewise::spec
