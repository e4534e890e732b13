#include "calibration/comm/comm_point.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace planewise::calibration {
bool carries_tokens(Operation operation) {
  return operation == Operation::dispatch || operation == Operation::combine;
}

const std::string& to_string(Operation operation) {
  return spec::operation_words()[static_cast<std::size_t>(operation)];
}
const std::string& to_string(GroupKind group) {
  return spec::group_words()[static_cast<std::size_t>(group)];
}
const std::string& to_string(Cadence cadence) {
  return spec::cadence_words()[static_cast<std::size_t>(cadence)];
}
const std::string& to_string(ExchangeAlgorithm algorithm) {
  return spec::exchange_algorithm_words()[static_cast<std::size_t>(algorithm)];
}

std::string key_of(const CommPoint& point) {
  std::string key = to_string(point.operation);
  if (point.algorithm != ExchangeAlgorithm::library) key += " " + to_string(point.algorithm);
  key += fmt::format(" {} ranks={}", to_string(point.group), point.ranks);
  if (point.nodes != 1) key += fmt::format(" nodes={}", point.nodes);
  if (point.groups != 1) key += fmt::format(" groups={}", point.groups);
  if (!point.members.empty()) key += fmt::format(" members={}", fmt::join(point.members, ","));
  if (carries_tokens(point.operation)) {
    const TokenLoad& load = point.load;
    key += fmt::format(" tokens={} hidden={} experts={} experts_per_token={}", load.tokens,
                       load.hidden, load.experts, load.experts_per_token);
    if (load.nodes_per_token > 0) key += fmt::format(" nodes_per_token={}", load.nodes_per_token);
    key += fmt::format(" bytes_per_token={:.0f}", load.bytes_per_token.in(bytes(1)));
  } else {
    key += fmt::format(" size={:.0f}", point.size.in(bytes(1)));
    if (point.datatype != "float") key += " " + point.datatype;
  }
  return key + " " + to_string(point.cadence);
}

double bus_factor(Operation operation, int ranks) {
  const double others = static_cast<double>(ranks - 1) / ranks;
  switch (operation) {
    case Operation::all_reduce:
      return 2 * others;
    case Operation::all_to_all:
    case Operation::all_gather:
    case Operation::reduce_scatter:
      return others;
    case Operation::broadcast:
    case Operation::send:
    case Operation::dispatch:
    case Operation::combine:
      return 1;
  }
  return 1;
}

}  // namespace planewise::calibration
