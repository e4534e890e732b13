// What the operators of all pieces are put together from: products and quantisation by precision,
// sizes by parallelism. For the *_operators.cc alone.
#pragma once

#include <cstdint>
#include <string>

#include "spec/job.h"
#include "workload/element_size.h"
#include "workload/operators.h"

namespace planewise::workload {

/// Bytes read and written for one element where FP8 values are made; all 0 under bf16.
struct QuantiseBytes {
  double input = 0;       ///< Of an input, in the forward.
  double gradient = 0;    ///< Of an output gradient, for both products that need it.
  double transposed = 0;  ///< Of an input, once more for the weight gradient.
  double recomputed = 0;  ///< Of a recomputed input of a recomputed product.
  double activation = 0;  ///< Of the recomputed activation, for the weight gradient.
};

/// How products run under a precision: ids of the profile, bytes an element, scales included.
struct Formats {
  std::string gemm{};
  std::string grouped_gemm{};
  std::string weight{};  ///< Of weight gradients.
  std::string grouped_weight{};
  double rows = kBf16;    ///< An element of inputs and gradients.
  double matrix = kBf16;  ///< An element of weights.
  QuantiseBytes quantise{};
};

/// fp8_blockwise: one scale for 128 elements, each direction quantised when it is needed (arXiv
/// 2412.19437, section 3.3). fp8_tensorwise: scales from the step before (delayed), a cast and a
/// transposed cast at once. mxfp8: one E8M0 scale for 32 elements, row- and column-wise at once.
Formats formats_of(spec::Precision precision);

/// A weight matrix as this rank holds it, `groups` times, and the rows a group that meet it.
struct Matrix {
  std::string what{};
  std::int64_t rows = 0;
  std::int64_t outputs = 0;
  std::int64_t inputs = 0;
  std::int64_t groups = 0;  ///< 0: a plain product; else a grouped one of routed experts.
};
Operator forward_product(const Matrix& matrix, const Formats& formats);
Operator recomputed_product(const Matrix& matrix, const Formats& formats);
Operator input_gradient(const Matrix& matrix, const Formats& formats);   ///< rows x inputs.
Operator weight_gradient(const Matrix& matrix, const Formats& formats);  ///< outputs x inputs.

/// An operator of `traffic` bytes; without any it is left out by add().
Operator byte_operator(std::string id, std::string what, double traffic);

/// The same, growing with the tokens that a rank received.
Operator routed(Operator op);

/// Appends `op` unless it does nothing.
void add(Block& block, Operator op);

/// `count` over `parts`, rounded up.
std::int64_t share(std::int64_t count, int parts);

/// The rank's own tokens under sequence parallelism.
double own_tokens(const OperatorInput& in);

bool is_selective(const OperatorInput& in);

}  // namespace planewise::workload
