// A single product as an operator: what its FLOPs and bytes are, for rates that others print.
#pragma once

#include "workload/operator_rate.h"
#include "workload/program.h"

namespace planewise::workload {

/// The forward product of `shape` with the id, work and traffic that a step's has: 2 g m n k FLOPs;
/// both factors with their scales, and a result in BF16.
Operator product_operator(const ProductShape& shape);

}  // namespace planewise::workload
