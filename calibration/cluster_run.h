// What `run` measures between ranks: pairs first, then collectives, tokens, and layers beside them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "calibration/measure/plan.h"
#include "calibration/ranks.h"
#include "calibration/raw/record.h"
#include "spec/hosts.h"

namespace planewise::calibration {

struct ClusterRun {
  const Plan& plan;
  const std::optional<spec::HostsSpec>& hosts;
  /// Of this rank: what layers beside exchanges run on.
  Backend& backend;
  std::uint64_t seed = 1;
  // On rank 0:
  std::string raw_path{};
  std::string environment{};  ///< Its fingerprint.
  const RawFile* before = nullptr;
  std::function<void(const std::string& line)> write{};
};

/// Called by all ranks. Rank 0 prints what is wrong with pairs to standard error and writes the
/// records; what its file has already is left out.
void measure_cluster(Session& session, const ClusterRun& run);

/// Records that say why nothing between ranks was measured here.
std::vector<NotMeasuredRecord> comm_not_measured(const std::string& reason,
                                                 const std::string& environment);

}  // namespace planewise::calibration
