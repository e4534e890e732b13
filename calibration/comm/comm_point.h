// What is timed between GPUs: an operation of groups of ranks at one size, and in which cadence.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "spec/exchanges.h"

namespace planewise::calibration {

using spec::Cadence;
using spec::ExchangeAlgorithm;
using spec::GroupKind;
using spec::Operation;
using spec::TokenLoad;

struct CommPoint {
  Operation operation = Operation::all_to_all;
  ExchangeAlgorithm algorithm = ExchangeAlgorithm::library;
  GroupKind group = GroupKind::world;
  Cadence cadence = Cadence::isolated;
  int ranks = 1;   ///< Of a group.
  int nodes = 1;   ///< That a group spans.
  int groups = 1;  ///< At once.
  /// As nccl-tests count it: all_to_all, all_gather, reduce_scatter: what a rank has for or from
  /// all together. Dispatch and combine: see `load`.
  Bytes size{};
  std::string datatype{"float"};  ///< As nccl-tests spell it.
  TokenLoad load{};
  std::vector<int> members{};  ///< Of a `pair`.
};

/// One line that names a point, the same for the same point.
std::string key_of(const CommPoint& point);

const std::string& to_string(Operation operation);
const std::string& to_string(GroupKind group);
const std::string& to_string(Cadence cadence);
const std::string& to_string(ExchangeAlgorithm algorithm);

bool carries_tokens(Operation operation);

/// Bus bandwidth over algorithm bandwidth, as nccl-tests count it (doc/PERFORMANCE.md of
/// github NVIDIA/nccl-tests): 2 (n - 1) / n of all_reduce, (n - 1) / n of all_to_all, all_gather
/// and reduce_scatter, else 1.
double bus_factor(Operation operation, int ranks);

/// A point in the cadences in which it is taken; `point.cadence` says nothing.
struct CommTask {
  CommPoint point{};
  std::vector<Cadence> cadences{};
};

}  // namespace planewise::calibration
