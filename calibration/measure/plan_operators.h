// Operators of a model on one rank as measurements: their shapes and bytes from src/workload.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "calibration/measure/measurement.h"
#include "spec/job.h"
#include "spec/model.h"

namespace planewise::calibration {

/// Bytes that a memory-bound kernel reads and writes for an element of rows x width, as
/// src/workload counts them. Requires: `kernel` is one (see measurement.h).
Bytes bytes_each(Kernel kernel, const LayerSizes& sizes);

/// Where a rank stands: what its operators' sizes follow from.
struct RankSizes {
  std::int64_t tokens = 0;  ///< Of a micro-batch.
  std::int64_t sequence = 0;
  int expert_ranks = 1;
  bool has_backward = true;
};

/// Products of a rank's layers that src/workload names for `precision`, by the keys of their
/// shapes, each once: forward, input gradients and weight gradients, dense ones before grouped
/// ones. FP8 ones have k rounded up to whole scales of 128.
std::vector<Measurement> products_of(const spec::ModelSpec& model, const RankSizes& rank,
                                     spec::Precision precision);

/// The same product with `m` rows a group.
Measurement with_rows(Measurement product, std::int64_t m);

/// The same product in `groups` groups.
Measurement with_groups(Measurement product, std::int64_t groups);

/// Work and traffic of a product or a weight gradient from its shape and precision.
void set_product_work(Measurement& product);

/// The most bytes that one operator of each id moves on a rank in a step under fp8_blockwise;
/// products and core attention are not in it.
std::map<std::string, Bytes> largest_traffic(const spec::ModelSpec& model, const RankSizes& rank);

}  // namespace planewise::calibration
