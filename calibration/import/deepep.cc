#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>

#include "calibration/import/imported_log.h"
#include "spec/text_file.h"

namespace planewise::calibration {
namespace {

constexpr spec::TextKind kLog{.what = "a log of DeepEP's tests",
                              .most_bytes = 100'000'000,
                              .when_large = "import its parts one by one"};
constexpr std::int64_t kNormalTokens = 4096;
constexpr std::int64_t kLowLatencyTokens = 128;
constexpr int kNode = 8;
/// Of a message of the low-latency dispatch, beside values and scales.
constexpr double kMessageHead = 16;

struct Reading {
  const spec::Origin& origin;
  const ImportOptions& options;
  spec::Diagnostics& diagnostics;
  ImportedLog log{};
  std::int64_t tokens = 0;
  std::int64_t hidden = 7168;
  int experts_per_token = 8;
  int groups_per_token = 0;                                ///< Nodes of a token; 0: of one node.
  std::map<int, std::pair<double, double>> low_latency{};  ///< [rank] Dispatch and combine, us.
  int low_latency_line = 0;
  bool is_internode = false;
};

double bytes_per_token(const Reading& reading, bool is_fp8) {
  const auto hidden = static_cast<double>(reading.hidden);
  return is_fp8 ? hidden + hidden / 128 * 4 : 2 * hidden;
}

int ranks_per_node(const Reading& reading) {
  return reading.options.ranks_per_node > 0 ? reading.options.ranks_per_node : kNode;
}

int ranks_of(const Reading& reading) {
  if (reading.options.ranks > 0) return reading.options.ranks;
  if (!reading.low_latency.empty()) return reading.low_latency.rbegin()->first + 1;
  return reading.is_internode ? 0 : ranks_per_node(reading);
}

/// Ranks of one node that `chosen` of `experts` evenly spread experts are on, on average.
double distinct_ranks(int experts, int chosen, int ranks) {
  // A rank has none of them with the probability that all are drawn from the other ranks' experts.
  const int others = experts - experts / ranks;
  double none = 1;
  for (int i = 0; i < chosen; ++i) none *= static_cast<double>(others - i) / (experts - i);
  return ranks * (1 - none);
}

void read_config(const std::string& text, Reading& reading) {
  static const std::regex kPair(R"((num_tokens|hidden|num_topk_groups|num_topk)=(\d+))");
  for (std::sregex_iterator found(text.begin(), text.end(), kPair), end; found != end; ++found) {
    const std::string key = (*found)[1];
    const std::int64_t value = std::stoll((*found)[2]);
    if (key == "num_tokens") reading.tokens = value;
    if (key == "hidden") reading.hidden = value;
    if (key == "num_topk") reading.experts_per_token = static_cast<int>(value);
    if (key == "num_topk_groups") reading.groups_per_token = static_cast<int>(value);
  }
}

CommPointRecord point_of(Operation operation, bool is_fp8, const Reading& reading) {
  CommPointRecord record{.wrong = -1};
  record.point = {.operation = operation,
                  .algorithm = ExchangeAlgorithm::deepep_normal,
                  .group = GroupKind::expert,
                  .load = {.tokens = reading.tokens > 0 ? reading.tokens : kNormalTokens,
                           .hidden = reading.hidden,
                           .experts = reading.options.experts,
                           .experts_per_token = reading.experts_per_token,
                           .nodes_per_token = reading.groups_per_token,
                           .bytes_per_token = bytes(bytes_per_token(reading, is_fp8))}};
  return record;
}

/// The time of a best line, in microseconds: printed, or from its rate. 0, with a mistake, if
/// neither can be.
double best_time(const std::string& text, const CommPointRecord& record, Reading& reading,
                 std::string& source) {
  std::smatch found;
  // From August 2025 on, then `notify + transmit`, then `t:` of one node.
  for (const char* form : {R"(transmit:\s*([\d.]+)\s*us)", R"([\d.]+\s*\+\s*([\d.]+)\s*us)",
                           R"(\bt:\s*([\d.]+)\s*us)"}) {
    if (std::regex_search(text, found, std::regex(form))) return std::stod(found[1]);
  }
  const TokenLoad& load = record.point.load;
  const double tokens = static_cast<double>(load.tokens) * load.bytes_per_token.in(bytes(1));
  if (std::regex_search(text, found, std::regex(R"(([\d.]+)\s*GB/s \(RDMA\))"))) {
    const int nodes = std::max(1, ranks_of(reading) / ranks_per_node(reading));
    const double copies = std::min(std::max(1, load.nodes_per_token), nodes);
    source = fmt::format("its time from {} GB/s of {} nodes a token", found[1].str(), copies);
    return tokens * copies / (std::stod(found[1]) * 1e3);
  }
  if (std::regex_search(text, found, std::regex(R"(([\d.]+)\s*GB/s \(NVL\))"))) {
    const double copies =
        distinct_ranks(load.experts, load.experts_per_token, ranks_per_node(reading));
    source = fmt::format("its time from {} GB/s of {:.3g} ranks a token", found[1].str(), copies);
    return tokens * copies / (std::stod(found[1]) * 1e3);
  }
  return 0;
}

/// `[tuning] Best dispatch (FP8): SMs 24, NVL chunk 20, RDMA chunk 12: ...`
void read_best(const std::string& text, int line, Reading& reading) {
  static const std::regex kBest(
      R"(.*\[tuning\] Best (dispatch|combine)\s*(?:\((FP8|BF16)\))?\s*:.*)");
  std::smatch found;
  if (!std::regex_match(text, found, kBest)) return;
  reading.is_internode = reading.is_internode || text.find("(RDMA)") != std::string::npos;
  const bool is_dispatch = found[1] == "dispatch";
  const bool is_fp8 = found[2] == "FP8";
  CommPointRecord record =
      point_of(is_dispatch ? Operation::dispatch : Operation::combine, is_fp8, reading);
  if (reading.is_internode && ranks_of(reading) == 0) {
    reading.diagnostics.add(reading.origin, {.line = line, .column = 1}, "",
                            "the log does not say of how many ranks it is",
                            "give --ranks, such as 16 for two nodes");
    return;
  }
  const double time = best_time(text, record, reading, record.source);
  if (time <= 0) {
    reading.diagnostics.add(reading.origin, {.line = line, .column = 1}, "",
                            "a best line with neither a time nor a rate",
                            "give the log as DeepEP printed it");
    return;
  }
  record.times = {microseconds(time)};
  reading.log.points.push_back(std::move(record));
}

/// `[rank 0] Dispatch bandwidth: 98.01 GB/s, avg_t=77.29 us | Combine bandwidth: ..., avg_t=... us`
void read_low_latency(const std::string& text, int line, Reading& reading) {
  static const std::regex kRank(
      R"(.*\[rank (\d+)\] Dispatch bandwidth: ([\d.]+) GB/s, avg_t=([\d.]+) us \| )"
      R"(Combine bandwidth: ([\d.]+) GB/s, avg_t=([\d.]+) us.*)");
  std::smatch found;
  if (!std::regex_match(text, found, kRank)) return;
  const double dispatch = std::stod(found[3]);
  reading.low_latency[std::stoi(found[1])] = {dispatch, std::stod(found[5])};
  reading.low_latency_line = line;
  // A token goes to each of its experts; so the rate tells how many tokens there were.
  const double message = bytes_per_token(reading, true) + kMessageHead;
  const double tokens =
      std::stod(found[2]) * 1e3 * dispatch / (message * reading.experts_per_token);
  if (reading.tokens == 0) reading.tokens = static_cast<std::int64_t>(std::llround(tokens));
  constexpr double kClose = 0.05;
  if (std::fabs(tokens / static_cast<double>(reading.tokens) - 1) <= kClose) return;
  reading.diagnostics.add(reading.origin, {.line = line, .column = 1}, "",
                          fmt::format("{} GB/s in {} us are {:.0f} tokens, not {}", found[2].str(),
                                      found[3].str(), tokens, reading.tokens),
                          "give --tokens, --hidden and --experts-per-token as the test had them");
}

void add_low_latency(Reading& reading) {
  if (reading.low_latency.empty()) return;
  double dispatch = 0;
  double combine = 0;
  for (const auto& [rank, times] : reading.low_latency) {
    dispatch = std::max(dispatch, times.first);
    combine = std::max(combine, times.second);
  }
  if (reading.tokens == 0) reading.tokens = kLowLatencyTokens;
  for (const bool is_dispatch : {true, false}) {
    CommPointRecord record =
        point_of(is_dispatch ? Operation::dispatch : Operation::combine, is_dispatch, reading);
    record.point.algorithm = ExchangeAlgorithm::deepep_low_latency;
    record.times = {microseconds(is_dispatch ? dispatch : combine)};
    record.source = fmt::format("the slowest of {} ranks", reading.low_latency.size());
    reading.log.points.push_back(std::move(record));
  }
  const int ranks = ranks_of(reading);
  if (static_cast<int>(reading.low_latency.size()) < ranks) {
    reading.log.notes.push_back(
        fmt::format("{} of {} ranks are in the log", reading.low_latency.size(), ranks));
  }
}

/// Bytes as the kernels send them: a token once to each of its nodes, and there to each rank that
/// has one of its experts, on average.
void count_bytes(CommPointRecord& record) {
  const CommPoint& point = record.point;
  const TokenLoad& load = point.load;
  const Bytes all = load.bytes_per_token * static_cast<double>(load.tokens);
  const double away = static_cast<double>(point.ranks - 1) / point.ranks;
  if (point.algorithm == ExchangeAlgorithm::deepep_low_latency) {
    record.logical = all * load.experts_per_token;
    record.wire = record.logical * away;
    record.wire_rail = record.logical * (static_cast<double>(point.nodes - 1) / point.nodes);
    return;
  }
  const int nodes = std::max(1, load.nodes_per_token);
  const int per_node = point.ranks / point.nodes;
  // All experts of a token are on its nodes, as if those were all that there are.
  const double copies =
      distinct_ranks(load.experts * nodes / point.nodes, load.experts_per_token, per_node * nodes);
  record.logical = all * nodes;
  record.wire_rail = record.logical * (static_cast<double>(point.nodes - 1) / point.nodes);
  record.wire = record.wire_rail + all * (copies * (per_node - 1) / per_node);
}

}  // namespace

ImportedLog read_deepep(const std::string& path, const ImportOptions& options,
                        spec::Diagnostics& diagnostics) {
  std::optional<std::string> text = spec::load_text(path, kLog, diagnostics);
  spec::Origin origin;
  if (!text || !spec::take_text(origin, kLog, {.name = path, .text = *text}, diagnostics)) {
    return {};
  }
  Reading reading{.origin = origin,
                  .options = options,
                  .diagnostics = diagnostics,
                  .tokens = options.tokens,
                  .hidden = options.hidden,
                  .experts_per_token = options.experts_per_token};
  for (int line = 1; line <= static_cast<int>(origin.line_starts.size()); ++line) {
    const std::string each(origin.line(line));
    if (each.find("[config]") != std::string::npos) read_config(each, reading);
    read_best(each, line, reading);
    read_low_latency(each, line, reading);
  }
  add_low_latency(reading);
  if (reading.log.points.empty() && diagnostics.empty()) {
    diagnostics.add({.file = path,
                     .message = "has no line of DeepEP's tests",
                     .hint = "give what test_intranode.py, test_internode.py or "
                             "test_low_latency.py print"});
  }
  ClusterRecord& cluster = reading.log.cluster;
  cluster.transport = "deepep";
  cluster.ranks = std::max(1, ranks_of(reading));
  cluster.ranks_per_node = std::min(ranks_per_node(reading), cluster.ranks);
  if (cluster.ranks % cluster.ranks_per_node != 0) cluster.ranks_per_node = cluster.ranks;
  for (CommPointRecord& record : reading.log.points) {
    record.point.ranks = cluster.ranks;
    record.point.nodes = cluster.ranks / cluster.ranks_per_node;
    record.point.load.nodes_per_token =
        std::min(record.point.load.nodes_per_token, record.point.nodes);
    count_bytes(record);
  }
  finish_import(path, options.version, reading.log);
  return std::move(reading.log);
}

}  // namespace planewise::calibration
