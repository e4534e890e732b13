// How far a run is, in one line.
#pragma once

#include <string>

#include "calibration/measure/run.h"

namespace planewise::calibration {

/// `[#####-----]  43 %  17/40  2 min left  router router rows=512 width=256`.
///
/// `elapsed` is the time of this run so far, `skipped` how many of `done` were in the file already.
std::string progress_text(const RunProgress& progress, std::size_t skipped, Seconds elapsed);

}  // namespace planewise::calibration
