// Collectives of a profile from what ranks timed together.
//
// What the simulator would say is linear in a curve's latency and in one over its efficiency, with
// factors that workload::idle_time gives; so the pieces of a curve are straight lines
// (fit/piecewise.h), of the operation as the simulator makes it and on the links that it has.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "calibration/fit/fit.h"
#include "calibration/raw/record.h"
#include "spec/profile.h"
#include "workload/collective_time.h"

namespace planewise::calibration {

/// The links that efficiencies are shares of.
struct FitLinks {
  workload::IdleFabric fabric{};
  std::string source{};
};

/// Those of a cluster as far as it is known: the NIC's and NVLink's own rates, else those of the
/// fastest pairs that were timed; without latencies. None if nothing tells.
std::optional<FitLinks> links_of(const RawFile& raw);

struct FittedCollectives {
  std::vector<spec::CollectiveCurve> curves{};
  std::vector<spec::Interference> interference{};
  std::vector<spec::MeasuredExchange> exchanges{};
  std::vector<CurveFit> fits{};
  std::vector<double> errors{};  ///< At points held out.
  std::vector<std::string> warnings{};
};

/// Of each operation and reach the widest kind of groups is fitted, isolated before streaming; the
/// others are kept as exchanges that nothing was fitted to. Broadcasts and tokens that are padded
/// or exact are never fitted.
FittedCollectives fit_collectives(const RawFile& raw, const FitLinks& links,
                                  const std::string& source);

}  // namespace planewise::calibration
