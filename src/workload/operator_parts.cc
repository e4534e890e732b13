#include "workload/operator_parts.h"

#include <utility>

#include "base/check.h"

namespace planewise::workload {
namespace {

constexpr double kTensorwise = 1;          // One scale a tensor is nothing an element.
constexpr double kMx = 1 + 1.0 / 32;       // E8M0 scales of one byte.
constexpr double kBlockScaledWeights = 1;  // One scale for 128 x 128.
constexpr double kInt4 = 0.5 + 2.0 / 128;  // One scale of 16 bits for 128 weights.

/// Operand bytes of the left and the right factor; the result is BF16.
struct Operands {
  double left = 0;
  double right = 0;
};

Operator product(std::string id, std::string what, const spec::GemmShape& shape,
                 const Operands& operands) {
  const double g = static_cast<double>(shape.groups);
  const double m = static_cast<double>(shape.m);
  const double n = static_cast<double>(shape.n);
  const double k = static_cast<double>(shape.k);
  Operator op;
  op.id = std::move(id);
  op.what = std::move(what);
  op.shape = shape;
  op.work = flop(2 * g * m * n * k);
  op.traffic = bytes(g * (operands.left * m * k + operands.right * n * k + kBf16 * m * n));
  return op;
}

std::int64_t groups_of(const Matrix& matrix) { return matrix.groups == 0 ? 1 : matrix.groups; }

const std::string& id_of(const Matrix& matrix, const Formats& formats) {
  return matrix.groups == 0 ? formats.gemm : formats.grouped_gemm;
}

Operator times_matrix(const Matrix& matrix, const Formats& formats, std::string what) {
  return product(
      id_of(matrix, formats), std::move(what),
      {.groups = groups_of(matrix), .m = matrix.rows, .n = matrix.outputs, .k = matrix.inputs},
      {.left = formats.rows, .right = formats.matrix});
}

/// A cast and a transposed one from a single read of BF16.
QuantiseBytes both_directions(double element) {
  const double each = kBf16 + 2 * element;
  return {.input = each, .gradient = each, .recomputed = each, .activation = each};
}

}  // namespace

Formats formats_of(spec::Precision precision) {
  switch (precision) {
    case spec::Precision::bf16:
      return {.gemm = "gemm.bf16",
              .grouped_gemm = "grouped_gemm.bf16",
              .weight = "gemm.bf16",
              .grouped_weight = "grouped_gemm.bf16"};
    case spec::Precision::fp8_blockwise:
      // Transposed inputs of the feed-forward are made beside its weight gradients, whose rate
      // (taken by span) holds them: no bytes for the recomputed activation.
      return {.gemm = "gemm.fp8",
              .grouped_gemm = "grouped_gemm.fp8",
              .weight = "wgrad.fp8",
              .grouped_weight = "wgrad.fp8",
              .rows = kFp8,
              .matrix = kBlockScaledWeights,
              .quantise = {.input = kBf16 + kFp8,
                           .gradient = 2 * (kBf16 + kFp8),
                           .transposed = kBf16 + kFp8,
                           .recomputed = kBf16 + kFp8}};
    case spec::Precision::fp8_tensorwise:
      return {.gemm = "gemm.fp8_tensorwise",
              .grouped_gemm = "grouped_gemm.fp8_tensorwise",
              .weight = "gemm.fp8_tensorwise",
              .grouped_weight = "grouped_gemm.fp8_tensorwise",
              .rows = kTensorwise,
              .matrix = kTensorwise,
              .quantise = both_directions(kTensorwise)};
    case spec::Precision::mxfp8:
      return {.gemm = "gemm.mxfp8",
              .grouped_gemm = "grouped_gemm.mxfp8",
              .weight = "gemm.mxfp8",
              .grouped_weight = "grouped_gemm.mxfp8",
              .rows = kMx,
              .matrix = kMx,
              .quantise = both_directions(kMx)};
    case spec::Precision::int4:
      return {.gemm = "gemm.int4",
              .grouped_gemm = "grouped_gemm.int4",
              .weight = "gemm.int4",
              .grouped_weight = "grouped_gemm.int4",
              .matrix = kInt4};
  }
  PW_UNREACHABLE("Precision has five values");
}

Operator forward_product(const Matrix& matrix, const Formats& formats) {
  return times_matrix(matrix, formats, matrix.what);
}

Operator recomputed_product(const Matrix& matrix, const Formats& formats) {
  return times_matrix(matrix, formats, matrix.what + ", recomputed");
}

Operator input_gradient(const Matrix& matrix, const Formats& formats) {
  return product(
      id_of(matrix, formats), matrix.what + ", input gradient",
      {.groups = groups_of(matrix), .m = matrix.rows, .n = matrix.inputs, .k = matrix.outputs},
      {.left = formats.rows, .right = formats.matrix});
}

Operator weight_gradient(const Matrix& matrix, const Formats& formats) {
  return product(
      matrix.groups == 0 ? formats.weight : formats.grouped_weight,
      matrix.what + ", weight gradient",
      {.groups = groups_of(matrix), .m = matrix.outputs, .n = matrix.inputs, .k = matrix.rows},
      {.left = formats.rows, .right = formats.rows});
}

Operator byte_operator(std::string id, std::string what, double traffic) {
  Operator op;
  op.id = std::move(id);
  op.what = std::move(what);
  op.traffic = bytes(traffic);
  return op;
}

Operator routed(Operator op) {
  op.routed = true;
  return op;
}

void add(Block& block, Operator op) {
  if (op.work == Flop{} && op.traffic == Bytes{}) return;
  block.operators.push_back(std::move(op));
}

std::int64_t share(std::int64_t count, int parts) {
  PW_CHECK(parts > 0);
  return (count + parts - 1) / parts;
}

double own_tokens(const OperatorInput& in) { return static_cast<double>(in.tokens) / in.tensor; }

bool is_selective(const OperatorInput& in) {
  return in.recomputation == spec::Recomputation::selective;
}

}  // namespace planewise::workload
