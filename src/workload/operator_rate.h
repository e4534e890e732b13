// What a profile says of single operators: the rates that benchmarks of kernels print.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"
#include "spec/job.h"
#include "spec/profile.h"

namespace planewise::workload {

struct ProductShape {
  spec::Precision precision = spec::Precision::bf16;
  std::int64_t groups = 0;  ///< 0: one plain product.
  std::int64_t m = 0;       ///< Rows a group.
  std::int64_t n = 0;
  std::int64_t k = 0;
};

/// FLOPs over the time of a forward product by itself on the whole GPU; none if the profile has no
/// such operator.
std::optional<FlopRate> product_rate(const spec::ProfileSpec& profile, const ProductShape& shape);

/// The rate of core attention over `sequence` tokens, by itself on the whole GPU; none if the
/// profile has no operator `id`.
std::optional<FlopRate> attention_rate(const spec::ProfileSpec& profile, const std::string& id,
                                       std::int64_t sequence);

}  // namespace planewise::workload
