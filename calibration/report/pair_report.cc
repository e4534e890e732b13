#include "calibration/report/pair_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "calibration/measure/statistics.h"
#include "print/table.h"

namespace planewise::calibration {
namespace {

constexpr int kMatrixMost = 16;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

std::string rate_text(double gigabytes) {
  return fixed(gigabytes, gigabytes < 10 ? 2 : gigabytes < 100 ? 1 : 0);
}

/// The least rate of any pair between two rows, in GB/s; -1 where none was timed.
Table matrix(const std::vector<PairTime>& pairs, const std::vector<int>& row_of, int rows,
             const std::string& what) {
  std::vector<double> rates(at(rows * rows), -1);
  for (const PairTime& pair : pairs) {
    const double rate = pair.rate.in(gigabytes_per_second(1));
    for (const auto& [a, b] : {std::pair{pair.a, pair.b}, std::pair{pair.b, pair.a}}) {
      double& least = rates[at(row_of[at(a)] * rows + row_of[at(b)])];
      if (least < 0 || rate < least) least = rate;
    }
  }
  Table table{.title = fmt::format("Rates between {}, GB/s each way", what), .columns = {""}};
  for (int row = 0; row < rows; ++row) table.columns.push_back(std::to_string(row));
  for (int row = 0; row < rows; ++row) {
    std::vector<std::string> cells = {std::to_string(row)};
    for (int column = 0; column < rows; ++column) {
      const double rate = rates[at(row * rows + column)];
      cells.push_back(rate < 0 ? "-" : rate_text(rate));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table classes(const std::vector<PairTime>& pairs) {
  std::map<PathClass, std::vector<double>> rates;
  std::map<PathClass, std::vector<double>> latencies;
  for (const PairTime& pair : pairs) {
    rates[pair.path].push_back(pair.rate.in(gigabytes_per_second(1)));
    latencies[pair.path].push_back(pair.latency.in(microseconds(1)));
  }
  Table table{.title = "Paths",
              .columns = {"path", "pairs", "latency (us)", "least (GB/s)", "median", "most"}};
  for (const auto& [path, values] : rates) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    table.rows.push_back({to_string(path), grouped(std::ssize(values)),
                          fixed(median(latencies[path]), 1), rate_text(*least),
                          rate_text(median(values)), rate_text(*most)});
  }
  return table;
}

}  // namespace

std::string pair_text(const std::vector<PairTime>& pairs, const Cluster& cluster) {
  std::string text;
  std::vector<int> own(at(cluster.ranks()));
  for (int rank = 0; rank < cluster.ranks(); ++rank) own[at(rank)] = rank;
  if (cluster.ranks() <= kMatrixMost) {
    text += to_text(matrix(pairs, own, cluster.ranks(), "ranks")) + "\n";
  } else if (cluster.nodes <= kMatrixMost) {
    text +=
        to_text(matrix(pairs, cluster.node_of, cluster.nodes, "nodes, the slowest pair")) + "\n";
  }
  text += to_text(classes(pairs)) + "\n";
  const std::vector<PairFinding> findings = judge_pairs(pairs, cluster);
  if (findings.empty()) return text + "no pair is much slower than others of its path\n\n";
  for (const PairFinding& finding : findings) text += "look: " + finding.text + "\n";
  return text + "\n";
}

}  // namespace planewise::calibration
