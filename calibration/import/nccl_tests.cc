#include <fmt/format.h>

#include <cmath>
#include <map>
#include <regex>
#include <set>

#include "base/text.h"
#include "base/unit_text.h"
#include "calibration/comm/elements.h"
#include "calibration/import/imported_log.h"
#include "calibration/raw/json_value.h"
#include "calibration/report/comm_report.h"
#include "spec/text_file.h"

namespace planewise::calibration {
namespace {

constexpr spec::TextKind kLog{.what = "a log of nccl-tests",
                              .most_bytes = 100'000'000,
                              .when_large = "import its parts one by one"};

const std::map<std::string, Operation> kTests = {
    {"alltoall_perf", Operation::all_to_all},           {"all_reduce_perf", Operation::all_reduce},
    {"reduce_scatter_perf", Operation::reduce_scatter}, {"all_gather_perf", Operation::all_gather},
    {"broadcast_perf", Operation::broadcast},           {"sendrecv_perf", Operation::send}};

/// Bandwidths are printed with two places: a factor that they show may be off by as much.
constexpr double kPrinted = 0.005;

/// One row of a table, as nccl-tests have it.
struct Row {
  double size = 0;
  std::string type{};
  double time_us = 0;
  double algbw = 0;
  double busbw = 0;
  std::int64_t wrong = -1;
};

/// A log while it is read.
struct Reading {
  const spec::Origin& origin;
  const ImportOptions& options;
  spec::Diagnostics& diagnostics;
  ImportedLog log{};
  std::optional<Operation> operation{};
  int version = 0;  ///< Of NCCL, 22809.
  std::map<int, std::string> host_of{};
  std::set<std::string> gpus{};
};

std::optional<Operation> operation_of(const std::string& program) {
  const std::string name = program.substr(program.rfind('/') + 1);
  const auto found = kTests.find(name);
  return found == kTests.end() ? std::nullopt : std::optional(found->second);
}

int rank_count(const Reading& reading) {
  return reading.options.ranks > 0 ? reading.options.ranks
                                   : static_cast<int>(reading.host_of.size());
}

/// Whether the bandwidths that a row prints go with the operation.
bool goes_with(const Row& row, Operation operation, int ranks) {
  const double least = (row.busbw - kPrinted) / (row.algbw + kPrinted);
  const double most = (row.busbw + kPrinted) / std::max(1e-9, row.algbw - kPrinted);
  const double factor = bus_factor(operation, ranks);
  return factor >= least * (1 - kPrinted) && factor <= most * (1 + kPrinted);
}

void add_row(const Row& row, int line, Reading& reading) {
  const auto mistake = [&](const std::string& message, const std::string& hint) {
    reading.diagnostics.add(reading.origin, {.line = line, .column = 1}, "", message, hint);
  };
  const int ranks = rank_count(reading);
  if (!reading.operation) {
    mistake("the log does not say which test it is of",
            "give --operation, such as all_to_all for alltoall_perf");
    return;
  }
  if (ranks < 1) {
    mistake("the log has no list of devices", "give --ranks and --ranks-per-node");
    return;
  }
  if (!goes_with(row, *reading.operation, ranks)) {
    mistake(fmt::format("busbw {} over algbw {} is not that of {} of {} ranks, {:.4g}", row.busbw,
                        row.algbw, to_string(*reading.operation), ranks,
                        bus_factor(*reading.operation, ranks)),
            "give the --operation that the test was of");
    return;
  }
  if (!element_of(row.type)) {
    mistake(fmt::format("{} is no type of nccl-tests", in_quotes(row.type)), "");
    return;
  }
  CommPointRecord record{.wrong = row.wrong, .check_failed = row.wrong > 0};
  record.point = {.operation = *reading.operation,
                  .cadence = Cadence::streaming,
                  .ranks = ranks,
                  .size = bytes(row.size),
                  .datatype = row.type};
  if (!record.check_failed) record.times = {microseconds(row.time_us)};
  // A size of 0 has a time of nothing.
  if (row.size > 0 && row.time_us > 0) reading.log.points.push_back(std::move(record));
}

/// `#  Rank  0 Group  0 Pid 123 on host device  0 [0000:1b:00] NVIDIA H100 80GB HBM3`; before 2.14
/// without a group, and with `[0x1b]`.
bool read_device(const std::string& line, Reading& reading) {
  static const std::regex kDevice(
      R"(#\s+Rank\s+(\d+)(?:\s+Group\s+\d+)?\s+Pid\s+\d+\s+on\s+(\S+)\s+device\s+\d+\s+)"
      R"(\[[^\]]*\]\s+(.*\S)\s*)");
  std::smatch found;
  if (!std::regex_match(line, found, kDevice)) return false;
  reading.host_of[std::stoi(found[1])] = found[2];
  reading.gpus.insert(found[3]);
  return true;
}

void read_comment(const std::string& line, Reading& reading) {
  static const std::regex kStart(R"(#\s*Collective test starting:\s*(\S+)\s*)");
  static const std::regex kLibrary(R"(.*nccl-library=(\d+).*)");
  std::smatch found;
  if (read_device(line, reading)) return;
  if (std::regex_match(line, found, kStart)) {
    if (const auto operation = operation_of(found[1])) reading.operation = operation;
  } else if (std::regex_match(line, found, kLibrary)) {
    reading.version = std::stoi(found[1]);
  }
}

/// A line that begins with numbers: a row, or what looks like one.
void read_row(const std::string& text, int line, Reading& reading) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  static const std::regex kWhole(R"(\d+)");
  if (words.size() < 3 || !std::regex_match(words[0], kWhole) ||
      !std::regex_match(words[1], kWhole)) {
    return;  // of another program
  }
  // size, count, type and redop, a root in recent versions, then time, algbw, busbw and #wrong.
  static const std::regex kRow(R"(\s*(\d+)\s+\d+\s+(\S+)\s+([a-z]+)\s+(?:(-?\d+)\s+)?)"
                               R"(([\d.e+]+)\s+([\d.e+]+)\s+([\d.e+]+)\s+(\S+)(\s.*)?)");
  std::smatch found;
  if (!std::regex_match(text, found, kRow)) {
    reading.diagnostics.add(reading.origin, {.line = line, .column = 1}, "",
                            "begins like a row of nccl-tests, but is none",
                            "remove the line, or give the log as it was printed");
    return;
  }
  Row row{.size = std::stod(found[1]),
          .type = found[2],
          .time_us = std::stod(found[5]),
          .algbw = std::stod(found[6]),
          .busbw = std::stod(found[7])};
  const std::string wrong = found[8];
  double number = 0;
  // Before 2.12 the column was the largest error of a sum.
  if (wrong != "N/A" && parse_number(wrong, number)) {
    row.wrong = number == std::floor(number) ? static_cast<std::int64_t>(number) : -1;
  }
  add_row(row, line, reading);
}

void read_text(Reading& reading) {
  bool has_end = false;
  for (int line = 1; line <= static_cast<int>(reading.origin.line_starts.size()); ++line) {
    std::string text(reading.origin.line(line));
    if (!text.empty() && text.back() == '\r') text.pop_back();
    has_end = has_end || text.find("# Avg bus bandwidth") == 0;
    if (text.starts_with('#')) {
      read_comment(text, reading);
    } else {
      read_row(text, line, reading);
    }
  }
  if (!has_end)
    reading.log.notes.emplace_back("the log has no end: the test may have been cut off");
}

const JsonValue* member(const JsonValue& map, std::string_view key) {
  for (const JsonValue& value : map.members) {
    if (value.key == key) return &value;
  }
  return nullptr;
}

double number_of(const JsonValue& map, std::string_view key) {
  const JsonValue* value = member(map, key);
  return value != nullptr && value->kind == JsonKind::number ? value->number : 0;
}

std::string text_of(const JsonValue& map, std::string_view key) {
  const JsonValue* value = member(map, key);
  return value != nullptr && value->kind == JsonKind::text ? value->text : "";
}

void read_result(const JsonValue& result, Reading& reading) {
  const JsonValue* times = member(result, "out_of_place");
  if (times == nullptr || times->kind != JsonKind::map) return;
  const JsonValue* wrong = member(*times, "nwrong");
  const bool is_checked = wrong != nullptr && wrong->kind == JsonKind::number;
  add_row({.size = number_of(result, "size"),
           .type = text_of(result, "type"),
           .time_us = number_of(*times, "time"),
           .algbw = number_of(*times, "alg_bw"),
           .busbw = number_of(*times, "bus_bw"),
           .wrong = is_checked ? static_cast<std::int64_t>(wrong->number) : -1},
          1, reading);
}

void read_json(const JsonValue& root, Reading& reading) {
  reading.version = static_cast<int>(number_of(root, "nccl_version"));
  const JsonValue* arguments = member(root, "args");
  if (arguments != nullptr && !arguments->items.empty()) {
    if (const auto operation = operation_of(arguments->items.front().text)) {
      reading.operation = operation;
    }
  }
  for (const char* where : {"config", "devices"}) {
    const JsonValue* place = member(root, where);
    const JsonValue* devices =
        place == nullptr || place->kind == JsonKind::list ? place : member(*place, "devices");
    if (devices == nullptr) continue;
    for (const JsonValue& device : devices->items) {
      reading.host_of[static_cast<int>(number_of(device, "rank"))] = text_of(device, "hostname");
      reading.gpus.insert(text_of(device, "device_info"));
    }
  }
  const JsonValue* results = member(root, "results");
  if (results == nullptr) return;
  for (const JsonValue& result : results->items) read_result(result, reading);
}

/// Ranks, nodes, GPU and version, once all of the log is read.
void finish(Reading& reading) {
  const int ranks = rank_count(reading);
  std::map<std::string, int> on_host;
  for (const auto& [rank, host] : reading.host_of) ++on_host[host];
  int per_node = reading.options.ranks_per_node;
  if (per_node == 0) per_node = on_host.empty() ? std::min(8, ranks) : on_host.begin()->second;
  if (per_node < 1 || ranks % per_node != 0) per_node = ranks;
  ClusterRecord& cluster = reading.log.cluster;
  cluster.ranks = std::max(1, ranks);
  cluster.ranks_per_node = std::max(1, per_node);
  for (const auto& [host, count] : on_host) cluster.hosts.push_back(host);
  const int v = reading.version;
  const std::string version =
      v > 0 ? fmt::format("{}.{}.{}", v / 10000, v % 10000 / 100, v % 100) : "";
  cluster.transport = version.empty() ? "nccl" : "nccl " + version;
  Environment& environment = reading.log.environment.environment;
  if (!reading.gpus.empty()) environment.gpu = *reading.gpus.begin();
  if (!version.empty()) environment.libraries["nccl"] = version;
  for (CommPointRecord& record : reading.log.points) {
    record.point.nodes = cluster.ranks / cluster.ranks_per_node;
    record.point.group = record.point.nodes == 1 ? GroupKind::node : GroupKind::world;
  }
}

}  // namespace

ImportedLog read_nccl_tests(const std::string& path, const ImportOptions& options,
                            spec::Diagnostics& diagnostics) {
  std::optional<std::string> text = spec::load_text(path, kLog, diagnostics);
  spec::Origin origin;
  if (!text || !spec::take_text(origin, kLog, {.name = path, .text = *text}, diagnostics)) {
    return {};
  }
  Reading reading{.origin = origin, .options = options, .diagnostics = diagnostics};
  reading.operation = options.operation;
  const std::size_t first = text->find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (*text)[first] == '{') {
    auto parsed = parse_json(*text);
    if (const auto* problem = std::get_if<JsonProblem>(&parsed)) {
      diagnostics.add({.file = path, .message = "no JSON: " + problem->message});
      return {};
    }
    read_json(std::get<JsonValue>(parsed), reading);
  } else {
    read_text(reading);
  }
  if (reading.log.points.empty() && diagnostics.empty()) {
    diagnostics.add({.file = path,
                     .message = "has no row of nccl-tests",
                     .hint = "give what alltoall_perf and the like print, or their -J file"});
  }
  finish(reading);
  finish_import(path, options.version, reading.log);
  return std::move(reading.log);
}

}  // namespace planewise::calibration
