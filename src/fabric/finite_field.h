// The finite field GF(q), q a prime power: what Slim Fly is built from.
#pragma once

#include <cstdint>
#include <vector>

namespace planewise::fabric {

/// Elements are 0 to q - 1: the digits of an element to the base p are the coefficients of a
/// polynomial over GF(p), lowest first. Products are those modulo the first irreducible polynomial
/// of which x is a primitive root (Conway's choice is not needed), or modulo p if q is the prime p.
class FiniteField {
 public:
  /// Requires a prime power of at least 2.
  explicit FiniteField(std::int64_t q);

  std::int64_t size() const { return q_; }
  std::int64_t add(std::int64_t a, std::int64_t b) const;
  std::int64_t subtract(std::int64_t a, std::int64_t b) const;
  std::int64_t multiply(std::int64_t a, std::int64_t b) const;
  /// A fixed primitive element to the power of `exponent`, which is at least 0.
  std::int64_t power(std::int64_t exponent) const;

 private:
  bool fill_powers(std::int64_t element, const std::vector<std::int64_t>& modulus);

  std::int64_t q_ = 0;
  std::int64_t p_ = 0;
  std::vector<std::int64_t> powers_;  ///< Of the primitive element, from 0 to q - 2.
  std::vector<std::int64_t> logs_;    ///< Of 1 to q - 1; logs_[0] is not used.
};

}  // namespace planewise::fabric
