// The table of nccl-tests, and what a run of points between ranks tells.
#pragma once

#include <string>
#include <vector>

#include "calibration/comm/comm_run.h"
#include "calibration/raw/record.h"
#include "calibration/report/tables.h"

namespace planewise::calibration {

/// Of one time, as nccl-tests count: size over time, and that times the bus factor.
Rate algorithm_rate(const CommPoint& point, Seconds time);
Rate bus_rate(const CommPoint& point, Seconds time);
/// Median over the times of a record.
Seconds time_of(const CommPointRecord& record);

/// The lines above the first point of a table.
std::string comm_heading(const ClusterRecord& cluster, const CommPoint& point,
                         const std::vector<Cadence>& cadences);
/// One line of the table: the records of one point, a cadence each. Columns: size, count, type,
/// redop, root, then time, algbw, busbw and #wrong of each cadence, as nccl-tests have them.
std::string comm_line(const std::vector<CommPointRecord>& records);
/// The lines below the last one.
std::string comm_footing(const std::vector<CommPointRecord>& records, const CommCost& cost,
                         const RankSkew& skew);

/// What a raw file has between ranks: a row a sweep, with the bus bandwidth of its largest size.
Sheet comm_sheet(const RawFile& raw);
/// Layers beside exchanges, and how much longer both take.
Sheet overlap_sheet(const RawFile& raw);

/// All points as JSON, in the words of nccl-tests' own -J where it has some.
std::string comm_json(const ClusterRecord& cluster, const std::vector<CommPointRecord>& records);

}  // namespace planewise::calibration
