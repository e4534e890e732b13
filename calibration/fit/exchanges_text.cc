#include "calibration/fit/exchanges_text.h"

#include <fmt/format.h>

#include "calibration/comm/comm_point.h"
#include "calibration/fit/yaml_text.h"

namespace planewise::calibration {
namespace {

std::string links_text(const spec::LinkRates& links) {
  std::string text = "\nlinks:\n";
  if (links.rail > Rate{}) text += "  rail: " + yaml_value(links.rail) + "\n";
  if (links.nvlink > Rate{}) text += "  nvlink: " + yaml_value(links.nvlink) + "\n";
  return text + "  source: " + yaml_text(links.source) + "\n";
}

std::string interference_text(const spec::Interference& entry) {
  return fmt::format(
      "  - compute: {}\n    communication: {}\n    compute_slowdown: {}\n"
      "    communication_slowdown: {}\n    evidence: {}\n    source: {}\n",
      yaml_word(entry.compute), yaml_text(entry.communication), yaml_number(entry.compute_slowdown),
      yaml_number(entry.communication_slowdown), spec::evidence_name(entry.evidence),
      yaml_text(entry.source));
}

std::string load_text(const TokenLoad& load) {
  const std::string nodes =
      load.nodes_per_token > 0 ? fmt::format(", nodes_per_token: {}", load.nodes_per_token) : "";
  return fmt::format(
      "    load: {{hidden: {}, experts: {}, experts_per_token: {}{}, bytes_per_token: {}}}\n",
      load.hidden, load.experts, load.experts_per_token, nodes, yaml_value(load.bytes_per_token));
}

std::string exchange_text(const spec::MeasuredExchange& exchange) {
  std::string text = fmt::format("  - operation: {}\n", to_string(exchange.operation));
  if (exchange.algorithm != ExchangeAlgorithm::library) {
    text += fmt::format("    algorithm: {}\n", to_string(exchange.algorithm));
  }
  text += fmt::format(
      "    group: {}\n    cadence: {}\n    ranks: {}\n    nodes: {}\n    groups: {}\n"
      "    ranks_per_node: {}\n",
      to_string(exchange.group), to_string(exchange.cadence), exchange.ranks, exchange.nodes,
      exchange.groups, exchange.ranks_per_node);
  if (carries_tokens(exchange.operation)) text += load_text(exchange.load);
  text += "    times:\n";
  for (const spec::ExchangeTime& time : exchange.times) {
    const std::string tokens = time.tokens > 0 ? fmt::format("tokens: {}, ", time.tokens) : "";
    text += fmt::format("      - {{{}size: {}, time: {}{}}}\n", tokens, yaml_value(time.size),
                        yaml_value(time.time), time.is_fitted ? ", fitted: true" : "");
  }
  return text;
}

}  // namespace

std::string exchanges_text(const spec::ProfileSpec& profile) {
  std::string text;
  if (profile.links) text += links_text(*profile.links);
  if (!profile.interference.empty()) text += "\ninterference:\n";
  for (const spec::Interference& entry : profile.interference) text += interference_text(entry);
  if (!profile.exchanges.empty()) text += "\nexchanges:\n";
  for (const spec::MeasuredExchange& exchange : profile.exchanges) text += exchange_text(exchange);
  return text;
}

}  // namespace planewise::calibration
