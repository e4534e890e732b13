#include "workload/operator_rate.h"

#include <utility>

#include "workload/operator_parts.h"
#include "workload/operator_time.h"
#include "workload/product_operator.h"

namespace planewise::workload {
namespace {

std::optional<FlopRate> rate_of(const spec::ProfileSpec& profile, Operator op) {
  if (spec::find_operator(profile, op.id) == nullptr) return std::nullopt;
  const Flop work = op.work;
  Block block{.operators = {std::move(op)}};
  time_block(block, profile);
  return work / block.operators.front().time;
}

}  // namespace

Operator product_operator(const ProductShape& shape) {
  return forward_product({.what = "product",
                          .rows = shape.m,
                          .outputs = shape.n,
                          .inputs = shape.k,
                          .groups = shape.groups},
                         formats_of(shape.precision));
}

std::optional<FlopRate> product_rate(const spec::ProfileSpec& profile, const ProductShape& shape) {
  return rate_of(profile, product_operator(shape));
}

std::optional<FlopRate> attention_rate(const spec::ProfileSpec& profile, const std::string& id,
                                       std::int64_t sequence) {
  // Any work will do: its rate hangs on the sequence alone.
  return rate_of(profile, {.id = id, .sequence = sequence, .work = teraflops(1) * seconds(1)});
}

}  // namespace planewise::workload
