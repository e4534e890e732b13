#include "calibration/import_command.h"

#include <fmt/format.h>

#include "base/text.h"
#include "calibration/raw/raw_file.h"
#include "calibration/report/comm_report.h"
#include "print/output_file.h"
#include "print/program.h"

namespace planewise::calibration {

int run_import_command(const ImportArguments& arguments, const OutputOptions& output) {
  spec::Diagnostics diagnostics;
  const ImportedLog log = arguments.kind == "deepep"
                              ? read_deepep(arguments.log, arguments.options, diagnostics)
                              : read_nccl_tests(arguments.log, arguments.options, diagnostics);
  diagnostics.throw_if_any();
  std::string lines = to_line(log.environment) + to_line(log.cluster);
  for (const CommPointRecord& point : log.points) lines += to_line(point);
  write_output(lines, arguments.raw);
  RawFile raw{.path = arguments.raw};
  raw.environments = {log.environment};
  raw.cluster = log.cluster;
  raw.comm_points = log.points;
  Account account{
      .title = fmt::format("{}: {}", printable(arguments.log), log.environment.environment.gpu)};
  account.facts = {{"ranks", "ranks", count_value(log.cluster.ranks)},
                   {"a node", "ranks_per_node", count_value(log.cluster.ranks_per_node)},
                   {"library", "transport", text_value(log.cluster.transport)},
                   {"points", "points", count_value(std::ssize(log.points))}};
  account.sheets = {comm_sheet(raw)};
  account.notes = log.notes;
  account.notes.push_back(fmt::format(
      "next: planewise-calibrate fit {} -t TOPOLOGY -o profile.yaml", printable(arguments.raw)));
  write_output(render(account, output.format), output.output);
  return kFine;
}

}  // namespace planewise::calibration
