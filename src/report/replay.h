// Measured exchanges and what the simulator says of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/exchanges.h"

namespace planewise::report {

/// One time of one measured exchange.
struct ReplayLine {
  spec::Operation operation = spec::Operation::all_to_all;
  spec::ExchangeAlgorithm algorithm = spec::ExchangeAlgorithm::library;
  spec::GroupKind group = spec::GroupKind::world;
  spec::Cadence cadence = spec::Cadence::isolated;
  int ranks = 1;   ///< Of a group.
  int nodes = 1;   ///< That it spans.
  int groups = 1;  ///< At once.
  std::int64_t tokens = 0;
  Bytes size{};
  Seconds measured{};
  Seconds simulated{};
  bool is_fitted = false;    ///< The curve that was used was fitted to it.
  std::string collective{};  ///< Of the profile.

  double error() const { return simulated.in(measured)-1; }
};

/// `all_to_all, world, 8 ranks on 1 node`.
std::string replay_group(const ReplayLine& line);

/// Absolute errors of some lines.
struct ReplayErrors {
  int count = 0;
  double median = 0;
  double p90 = 0;
  double worst = 0;
};
ReplayErrors errors_of(const std::vector<ReplayLine>& lines, bool is_fitted);

}  // namespace planewise::report
