#include "report/network_tables.h"

#include <fmt/format.h>

#include <algorithm>

namespace planewise::report {
namespace {

Table busiest_table(const Ran& run) {
  Table table{.title = fmt::format("Busiest links on {}", run.fabric),
              .columns = {"link", "equal links", "carried, GB", "mean load", "peak load", "at, s"}};
  for (const simulate::BusyLink& link : run.result.busiest) {
    table.rows.push_back({link.load.name, grouped(link.links),
                          fixed(link.load.carried.in(bytes(1e9)), 1), percent(link.load.mean_load),
                          percent(link.peak_load), fixed(link.peak_began.in(seconds(1)), 3)});
  }
  return table;
}

/// Two rows a kind: the mean over its links, and the busiest link of each moment. A bar is a bin or
/// the mean, or largest, of a few.
Table load_table(const Ran& run) {
  constexpr std::size_t kWidth = 64;
  const simulate::LoadsOverTime& loads = *run.result.loads;
  Table table{.title = fmt::format("Load of links on {} over time, a bar of █ is 100 %, bins of "
                                   "{} ms",
                                   run.fabric, fixed(loads.bin_width.in(milliseconds(1)), 3)),
              .columns = {"kind", "links", "load", "over the step"}};
  for (const simulate::KindLoad& kind : loads.kinds) {
    const std::string word = fabric::kLinkKindWords[static_cast<std::size_t>(kind.kind)];
    const double peak = *std::max_element(kind.maximum.begin(), kind.maximum.end());
    table.rows.push_back({word + ", mean", grouped(kind.links), percent(kind.mean_load),
                          bars(grouped_means(kind.mean, kWidth))});
    table.rows.push_back(
        {word + ", busiest", "", percent(peak), bars(grouped_maxima(kind.maximum, kWidth))});
  }
  return table;
}

Table completion_table(const Ran& run) {
  Table table{.title = fmt::format("Flow completion times on {}, ms", run.fabric),
              .columns = {"flows of", "flows", "P50", "P90", "P99", "longest"}};
  const auto ms = [](Seconds time) { return fixed(time.in(milliseconds(1)), 3); };
  for (const simulate::LabelCompletion& label : run.result.completion) {
    table.rows.push_back({label.label, grouped(label.flows), ms(label.p50), ms(label.p90),
                          ms(label.p99), ms(label.longest)});
  }
  return table;
}

}  // namespace

std::vector<Table> network_tables(const Ran& run) {
  std::vector<Table> tables;
  if (!run.result.busiest.empty()) tables.push_back(busiest_table(run));
  if (run.result.loads) tables.push_back(load_table(run));
  if (!run.result.completion.empty()) tables.push_back(completion_table(run));
  return tables;
}

}  // namespace planewise::report
