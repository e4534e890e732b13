// What a raw file says about the machine as a whole.
#pragma once

#include <optional>
#include <string>

#include "calibration/fit/curve_points.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// The GPU of a measured file: from its environment; its rate of memory from the largest copy; its
/// BF16 peak from a data sheet, or the best product if we know none. What stands in for something
/// that was not measured says so in `source`.
///
/// Requires: `raw` has an environment.
spec::GpuSpec measured_gpu(const RawFile& raw, const CurveSet& set);

/// SMs that points without a number of their own ran on, 1 or more.
int sms_of(const RawFile& raw);

/// Dense BF16 of the chip in a data sheet, by GPU name such as `NVIDIA H200`; none if we do not
/// know it.
std::optional<FlopRate> data_sheet_peak(const std::string& gpu);

/// How a measured file came about. Requires: it has an environment.
spec::Provenance provenance_of(const RawFile& raw);

/// `measured on NVIDIA H200, driver 580.65, 2026-11-25, with planewise-calibrate 1`.
std::string source_of(const EnvironmentRecord& record);

}  // namespace planewise::calibration
