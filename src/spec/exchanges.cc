#include "spec/exchanges.h"

#include <fmt/format.h>

#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kRanks{.min = 1, .max = 1'000'000};
constexpr IntegerRange kTokens{.min = 1, .max = 1'000'000'000};
constexpr NumberRange kSlowdown{.min = 0.01, .max = 1000};

bool carries_tokens(Operation operation) {
  return operation == Operation::dispatch || operation == Operation::combine;
}

/// The value of a word that a list has at its place.
template <class Enumeration>
Enumeration word_of(MapReader& map, std::string_view key, const std::vector<std::string>& words) {
  return static_cast<Enumeration>(map.word(key, words));
}

int small(MapReader& map, std::string_view key) {
  return static_cast<int>(map.integer(key, kRanks));
}

TokenLoad read_load(MapReader map) {
  TokenLoad load;
  load.hidden = map.integer("hidden", kRanks);
  load.experts = small(map, "experts");
  load.experts_per_token = small(map, "experts_per_token");
  if (map.has("nodes_per_token")) load.nodes_per_token = small(map, "nodes_per_token");
  load.bytes_per_token = map.quantity<Bytes>("bytes_per_token");
  return load;
}

}  // namespace

const std::vector<std::string>& operation_words() {
  static const std::vector<std::string> words = {"all_to_all", "all_reduce", "reduce_scatter",
                                                 "all_gather", "broadcast",  "send",
                                                 "dispatch",   "combine"};
  return words;
}

const std::vector<std::string>& group_words() {
  static const std::vector<std::string> words = {"node",     "rail", "expert",
                                                 "pipeline", "pair", "world"};
  return words;
}

const std::vector<std::string>& cadence_words() {
  static const std::vector<std::string> words = {"isolated", "streaming"};
  return words;
}

const std::vector<std::string>& exchange_algorithm_words() {
  static const std::vector<std::string> words = {
      "library", "padded", "exact", "two_hop", "loopback", "deepep_normal", "deepep_low_latency"};
  return words;
}

MeasuredExchange read_exchange(MapReader& map) {
  MeasuredExchange exchange;
  exchange.operation = word_of<Operation>(map, "operation", operation_words());
  if (map.has("algorithm")) {
    exchange.algorithm = word_of<ExchangeAlgorithm>(map, "algorithm", exchange_algorithm_words());
  }
  exchange.group = word_of<GroupKind>(map, "group", group_words());
  exchange.cadence = word_of<Cadence>(map, "cadence", cadence_words());
  exchange.ranks = small(map, "ranks");
  exchange.nodes = small(map, "nodes");
  exchange.groups = small(map, "groups");
  exchange.ranks_per_node = small(map, "ranks_per_node");
  if (exchange.ranks % exchange.nodes != 0) {
    map.error("nodes", fmt::format("{} ranks do not spread evenly over {} nodes", exchange.ranks,
                                   exchange.nodes));
  }
  if (carries_tokens(exchange.operation)) exchange.load = read_load(map.map("load"));
  Bytes last{};
  for (MapReader point : map.maps("times")) {
    ExchangeTime time{.size = point.quantity<Bytes>("size"),
                      .time = point.quantity<Seconds>("time")};
    if (carries_tokens(exchange.operation)) time.tokens = point.integer("tokens", kTokens);
    if (point.has("fitted")) time.is_fitted = point.boolean("fitted");
    if (time.size <= last && point.read_well({"size"})) {
      point.error("size", "sizes must ascend", "sort the points; each size once");
    }
    last = time.size;
    exchange.times.push_back(time);
  }
  return exchange;
}

Interference read_interference(MapReader& map) {
  Interference entry{.compute = map.text("compute"), .communication = map.text("communication")};
  entry.compute_slowdown = map.number("compute_slowdown", kSlowdown);
  entry.communication_slowdown = map.number("communication_slowdown", kSlowdown);
  entry.evidence = read_evidence(map, "evidence");
  entry.source = map.text("source");
  return entry;
}

LinkRates read_link_rates(MapReader map) {
  LinkRates rates;
  if (map.has("rail")) rates.rail = map.quantity<Rate>("rail");
  if (map.has("nvlink")) rates.nvlink = map.quantity<Rate>("nvlink");
  rates.source = map.text("source");
  return rates;
}

}  // namespace planewise::spec
