// Efficiencies of collectives from tables of exchanges and transfers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "calibration/raw/record.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// The share of a NIC's rate that an exchange reached, if the rails bound it. With N nodes a rank
/// sends (N - 1) / N of tokens x nodes a token x bytes over its rail. Requires: N > 1.
double rail_efficiency(const ExchangeRecord& exchange, const LinksRecord& links);

/// The share of a GPU's NVLink that it reached, if that bound it: 7/8 of tokens x nodes a token x
/// copies x bytes, as each node has 8 GPUs and a copy may stay where it is.
double nvlink_efficiency(const ExchangeRecord& exchange, const LinksRecord& links);

/// What straight lines between measured sizes say: latency and efficiency from each size on. The
/// last size ends the last line and begins none. A line that is faster than NVLink takes its rate,
/// and the latency with which it ends at the larger size.
///
/// Requires: two or more sizes, ascending.
std::vector<spec::CollectivePiece> pieces_of(const std::vector<TransferRecord>& transfers,
                                             const LinksRecord& links);

/// Time = latency + bytes to other nodes / (efficiency x NIC's rate) by least squares of relative
/// errors over the rows of `id`; an efficiency above 1 becomes 1, and the latency goes with it. The
/// bytes are tokens x experts a token x bytes a message x (1 - ranks a node / ranks). None if there
/// are fewer than two rows.
///
/// Source of the form: CALIBRATION.md, section 5, after github deepseek-ai/DeepEP.
struct LowLatencyFit {
  Seconds latency{};
  double rail_efficiency = 1;
  Rate unclamped{};  ///< What the least squares say without the NIC's limit.
};
std::optional<LowLatencyFit> low_latency_fit(const std::string& id, const RawFile& raw);

/// The entry that `record` and the rows of its id say. Of several rows that give the same
/// efficiency it is their geometric mean, which for two makes both errors equal. Without NVLink
/// rows of its own, what was taken beside compute keeps the ratio of NVLink to rails of the curve
/// of its id in `collectives`.
spec::CollectiveCurve collective_curve(const CollectiveRecord& record, const RawFile& raw,
                                       const std::vector<spec::CollectiveCurve>& collectives);

}  // namespace planewise::calibration
