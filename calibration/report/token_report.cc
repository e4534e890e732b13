#include "calibration/report/token_report.h"

#include <fmt/format.h>

#include "calibration/report/comm_report.h"
#include "print/table.h"

namespace planewise::calibration {

std::string token_heading(const ClusterRecord& cluster, const CommPoint& point) {
  std::string text = fmt::format(
      "# planewise-calibrate comm: tokens of {} {} on {} {} ({} {}), hidden {}, {} of {} experts, "
      "{}\n#\n",
      point.ranks, point.ranks == 1 ? "rank" : "ranks", point.nodes,
      point.nodes == 1 ? "node" : "nodes", point.groups, point.groups == 1 ? "group" : "groups",
      point.load.hidden, point.load.experts_per_token, point.load.experts, cluster.transport);
  text += fmt::format("#{:>9} {:>9} {:>8} {:>10} {:>11} {:>11} {:>9} {:>10} {:>7}\n", "operation",
                      "algorithm", "tokens", "time", "logical", "wire", "of it off", "logical",
                      "#wrong");
  text += fmt::format("#{:>9} {:>9} {:>8} {:>10} {:>11} {:>11} {:>9} {:>10} {:>7}\n", "", "",
                      "a rank", "(us)", "(B a rank)", "(B a rank)", "the node", "(GB/s)", "");
  return text;
}

std::string token_line(const CommPointRecord& record) {
  const CommPoint& point = record.point;
  const std::string wrong = record.wrong < 0 ? "N/A" : std::to_string(record.wrong);
  const double off = record.wire > Bytes{} ? record.wire_rail.in(record.wire) : 0;
  std::string time = "-";
  std::string rate = "-";
  if (!record.times.empty()) {
    const Seconds median = time_of(record);
    time = fmt::format("{:.1f}", median.in(microseconds(1)));
    rate = fmt::format("{:.2f}", (record.logical / median).in(gigabytes_per_second(1)));
  }
  return fmt::format(" {:>9} {:>9} {:>8} {:>10} {:>11.0f} {:>11.0f} {:>9} {:>10} {:>7}\n",
                     to_string(point.operation), to_string(point.algorithm), point.load.tokens,
                     time, record.logical.in(bytes(1)), record.wire.in(bytes(1)), percent(off, 0),
                     rate, wrong);
}

}  // namespace planewise::calibration
