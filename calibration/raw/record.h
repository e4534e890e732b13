// The lines of a raw file (JSON Lines, schema 1): one record each, appended and never changed.
//
// A measured file has an `environment` and then `point` and `not_measured` lines. A file of
// published tables has a `profile` line first, `point` lines, and those of raw/published.h, all of
// which name their sources. docs/raw.md lists every field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "calibration/comm/comm_point.h"
#include "calibration/measure/backend.h"
#include "calibration/measure/environment.h"
#include "calibration/measure/measurement.h"
#include "calibration/raw/published.h"
#include "spec/evidence.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// `{"record": "environment", "schema": 1, ...}`: what the points after it were taken on.
struct EnvironmentRecord {
  Environment environment{};
  std::string fingerprint{};
  std::string created{};  ///< UTC, `2026-11-25T05:11:20Z`.
  std::string model{};
  LayerSizes sizes{};
};

/// `{"record": "point", ...}`: one round of one measurement, or one row of a published table.
struct PointRecord {
  Measurement measurement{};
  std::string key{};          ///< key_of(measurement).
  std::string environment{};  ///< Its fingerprint; empty if published.
  int repetition = 0;         ///< From 1; 0 if published.
  spec::Evidence evidence = spec::Evidence::measured;
  std::string source{};  ///< Of what is published.
  std::string implementation{};
  std::string proxy{};
  int kernels = 1;
  std::vector<CheckResult> checks{};
  bool check_failed = false;     ///< `"status": "failed"`; then there are no times.
  std::vector<Seconds> times{};  ///< Every sample, in order. A published row has one.
  int clock_mhz_min = 0;         ///< Of the SMs while it ran; 0: not known.
  int clock_mhz_max = 0;
  double power_w = 0;                   ///< Mean while it ran.
  int temperature_c = 0;                ///< Highest while it ran.
  std::vector<std::string> throttle{};  ///< Reasons seen while it ran.
};

/// `{"record": "not_measured", ...}`.
struct NotMeasuredRecord {
  std::string id{};
  std::string key{};  ///< Of the measurement; empty if the operator as a whole.
  std::string environment{};
  std::string reason{};
};

/// `{"record": "cluster", ...}`: the ranks that measured together.
struct ClusterRecord {
  int ranks = 1;
  int ranks_per_node = 1;
  std::string launcher{};   ///< `torchrun`, `openmpi`, `slurm`, `spawn`; `import` of a log.
  std::string transport{};  ///< `sockets`, `nccl 2.28.9`.
  std::vector<std::string> hosts{};
  Rate rail{};  ///< Of a GPU's NIC, one direction; 0: not known.
  std::string rail_source{};
  Rate nvlink{};  ///< Of a GPU, one direction; 0: not known.
  std::string nvlink_source{};
};

/// `{"record": "comm_point", ...}`: one round of one point between ranks.
struct CommPointRecord {
  CommPoint point{};
  std::string key{};          ///< key_of(point).
  std::string environment{};  ///< Its fingerprint.
  int repetition = 1;
  std::string source{};          ///< Of what is imported: the log; else empty.
  std::string implementation{};  ///< `nccl 2.28.9`, `sockets`, `deepep`.
  std::int64_t wrong = 0;        ///< Elements that are not as they should be; -1: not checked.
  /// `"status": "failed"` if any is wrong; then there are no times.
  bool check_failed = false;
  /// Of each iteration the longest over all ranks; streaming: of each block the mean. Imported:
  /// one.
  std::vector<Seconds> times{};
  Seconds skew{};     ///< How much later the last rank leaves an empty operation than the first.
  Bytes logical{};    ///< Dispatch and combine: what a rank has for experts, local ones included.
  Bytes wire{};       ///< What the busiest rank sends to others, all hops together.
  Bytes wire_rail{};  ///< The part of it that leaves the node.
};

/// `{"record": "overlap", ...}`: a layer and an exchange of tokens, each alone and both at once.
struct OverlapRecord {
  std::string compute{};  ///< `layer.forward`.
  Operation operation = Operation::dispatch;
  ExchangeAlgorithm algorithm = ExchangeAlgorithm::exact;
  std::int64_t tokens = 0;  ///< Of the exchange, of a rank.
  int ranks = 1;
  std::string environment{};
  int repetition = 1;
  Seconds compute_alone{};  ///< The slowest rank's median, as all of these.
  Seconds compute_beside{};
  Seconds communication_alone{};
  Seconds communication_beside{};
};

/// A raw file, its records by kind in the order of the file.
struct RawFile {
  std::string path{};
  std::string sha256{};
  std::optional<ProfileRecord> profile{};
  std::vector<EnvironmentRecord> environments{};  ///< In a measured file one, or it is refused.
  std::vector<PointRecord> points{};
  std::optional<ClusterRecord> cluster{};
  std::vector<CommPointRecord> comm_points{};
  std::vector<OverlapRecord> overlaps{};
  std::vector<TotalRecord> totals{};
  std::vector<CurveRecord> curves{};
  std::optional<LinksRecord> links{};
  std::vector<CollectiveRecord> collectives{};
  std::vector<ExchangeRecord> exchanges{};
  std::vector<TransferRecord> transfers{};
  std::vector<LowLatencyRecord> low_latencies{};
  std::vector<ModelRecord> models{};
  std::vector<InStepRecord> in_steps{};
  std::vector<NotMeasuredRecord> not_measured{};
  bool last_line_is_cut = false;  ///< A run was killed while it wrote; the line is left out.
};

}  // namespace planewise::calibration
