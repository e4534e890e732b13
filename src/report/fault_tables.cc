#include "report/fault_tables.h"

#include <fmt/format.h>

namespace planewise::report {
namespace {

constexpr std::size_t kMostShown = 10;

std::string changes_text(const simulate::FaultRecord& record) {
  std::string text;
  for (std::size_t i = 0; i < record.changes.size() && i < kMostShown; ++i) {
    text += (i > 0 ? "; " : "") + record.changes[i];
  }
  if (record.changes.size() > kMostShown) {
    text += fmt::format("; and {} more", record.changes.size() - kMostShown);
  }
  return text;
}

Table record_table(const Ran& run) {
  Table table{.title = fmt::format("Faults on {}: {}", run.fabric, run.result.faults->name),
              .columns = {"fault or repair", "at, s", "flows moved", "flows waiting"}};
  for (const simulate::FaultRecord& record : run.result.faults->records) {
    table.rows.push_back({changes_text(record), fixed(record.time.in(seconds(1)), 3),
                          grouped(record.moved_flows), grouped(record.waiting_flows)});
  }
  return table;
}

Table cut_off_table(const Ran& run) {
  const std::vector<simulate::CutOffFlow>& flows = run.result.faults->cut_off;
  const auto count = static_cast<std::int64_t>(flows.size());
  Table table{.title = fmt::format("Cut off on {}: {} {} with no way left, and no repair",
                                   run.fabric, grouped(count), count == 1 ? "flow" : "flows"),
              .columns = {"flow", "since, s", "not delivered, MB"}};
  for (std::size_t i = 0; i < flows.size() && i < kMostShown; ++i) {
    const simulate::CutOffFlow& flow = flows[i];
    table.rows.push_back({fmt::format("{}, rank {} to rank {}",
                                      run.result.labels[static_cast<std::size_t>(flow.label)],
                                      grouped(flow.source), grouped(flow.destination)),
                          fixed(flow.since.in(seconds(1)), 3), fixed(flow.left.in(bytes(1e6)), 3)});
  }
  if (flows.size() > kMostShown) {
    table.rows.push_back({fmt::format("and {} more", grouped(count - std::int64_t{kMostShown}))});
  }
  return table;
}

}  // namespace

std::vector<Table> fault_tables(const Ran& run) {
  std::vector<Table> tables;
  if (!run.result.faults) return tables;
  if (!run.result.faults->records.empty()) tables.push_back(record_table(run));
  if (!run.result.faults->cut_off.empty()) tables.push_back(cut_off_table(run));
  return tables;
}

}  // namespace planewise::report
