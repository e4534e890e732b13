// The lines `cluster` and `comm_point`: what ranks measured together.
#pragma once

#include "calibration/raw/json_line.h"
#include "calibration/raw/record.h"

namespace planewise::calibration {

/// `fields` has been asked for `record`; whoever calls finishes it, and looks whether it is well.
ClusterRecord read_cluster(JsonFields& fields);
CommPointRecord read_comm_point(JsonFields& fields);
OverlapRecord read_overlap(JsonFields& fields);

}  // namespace planewise::calibration
