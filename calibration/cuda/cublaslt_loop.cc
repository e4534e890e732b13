#include "calibration/cuda/cublaslt_loop.h"

#include <stdexcept>

namespace planewise::calibration {

MatrixProduct MatmulCache::of_rows(std::int64_t rows) const {
  MatrixProduct product = pattern_;
  product.m = rows;
  return product;
}

MatrixProduct MatmulCache::of_inner_rows(std::int64_t rows, std::int64_t leading) const {
  MatrixProduct product = pattern_;
  product.k = rows;
  product.x_leading = leading;
  product.w_leading = leading;
  return product;
}

std::optional<NotMeasured> MatmulCache::prepare(const Key& key, const MatrixProduct& product) {
  if (matmuls_.contains(key)) return {};
  auto made = Matmul::make(library_, product);
  if (auto* refused = std::get_if<NotMeasured>(&made)) return std::move(*refused);
  matmuls_.emplace(key, std::move(std::get<std::unique_ptr<Matmul>>(made)));
  return {};
}

Matmul& MatmulCache::get(const Key& key, const MatrixProduct& product) {
  if (const auto refused = prepare(key, product)) throw std::runtime_error(refused->reason);
  return *matmuls_.at(key);
}

Matmul& MatmulCache::with_rows(std::int64_t rows) { return get({rows, 0}, of_rows(rows)); }

Matmul& MatmulCache::with_inner_rows(std::int64_t rows, std::int64_t leading) {
  return get({rows, leading}, of_inner_rows(rows, leading));
}

std::optional<NotMeasured> MatmulCache::refusal_of_rows(std::int64_t rows) {
  return prepare({rows, 0}, of_rows(rows));
}

std::optional<NotMeasured> MatmulCache::refusal_of_inner_rows(std::int64_t rows,
                                                              std::int64_t leading) {
  return prepare({rows, leading}, of_inner_rows(rows, leading));
}

std::optional<NotMeasured> refuse_layout(const ProductOptions& options) {
  if (options.layout == RowLayout::contiguous) return {};
  return NotMeasured{
      "a loop of cuBLASLt calls takes the rows of a group from the host; masked rows are counted "
      "on "
      "the GPU"};
}

std::string loop_name(const ProductOptions& options) {
  return options.shape.groups > 1 ? "cublaslt_loop" : "cublaslt";
}

}  // namespace planewise::calibration
