// A cuBLASLt product for every number of rows that a loop over groups has met.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "calibration/cuda/cublaslt.h"
#include "calibration/cuda/products.h"

namespace planewise::calibration {

class MatmulCache {
 public:
  /// `pattern`: of every product, but for what at() sets.
  explicit MatmulCache(const MatrixProduct& pattern) : pattern_(pattern) {}

  /// The product with m = `rows`; throws std::runtime_error if the library has none.
  Matmul& with_rows(std::int64_t rows);
  /// The product with k = `rows`, both operands with that leading size; throws likewise.
  Matmul& with_inner_rows(std::int64_t rows, std::int64_t leading);

  /// Why there is no product with m = `rows`; none if there is one, which is kept.
  std::optional<NotMeasured> refusal_of_rows(std::int64_t rows);
  std::optional<NotMeasured> refusal_of_inner_rows(std::int64_t rows, std::int64_t leading);

 private:
  using Key = std::pair<std::int64_t, std::int64_t>;
  std::optional<NotMeasured> prepare(const Key& key, const MatrixProduct& product);
  Matmul& get(const Key& key, const MatrixProduct& product);
  MatrixProduct of_rows(std::int64_t rows) const;
  MatrixProduct of_inner_rows(std::int64_t rows, std::int64_t leading) const;

  CublasLt library_;
  MatrixProduct pattern_;
  std::map<Key, std::unique_ptr<Matmul>> matmuls_;
};

/// Why cuBLASLt cannot loop over these groups, whatever the GPU; none if it can.
std::optional<NotMeasured> refuse_layout(const ProductOptions& options);

/// `cublaslt` for one product, `cublaslt_loop` for several groups.
std::string loop_name(const ProductOptions& options);

}  // namespace planewise::calibration
