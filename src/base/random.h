// Seeded random numbers that are the same on every machine and compiler.
// Method: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) as a stream and as a hash; the stream is
// that of S. Vigna's splitmix64.c, bit for bit.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/check.h"

namespace planewise {

/// Returns 64 well mixed bits of `x`; a bijection.
constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// Returns a hash of `value` that depends on the order in which values were folded into `hash`.
constexpr std::uint64_t fold_bits(std::uint64_t hash, std::uint64_t value) {
  return mix_bits(hash ^ mix_bits(value));
}

/// A stream of random numbers from a seed; passed in wherever chance is wanted, never global.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t bits() {
    const std::uint64_t result = mix_bits(state_);
    state_ += 0x9e3779b97f4a7c15ULL;
    return result;
  }
  /// Uniform in [0, 1), 53 bits.
  constexpr double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
  /// Standard normal (Box and Muller, 1958).
  double normal() {
    constexpr double kTwoPi = 6.283185307179586;
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(kTwoPi * uniform());
  }
  /// Uniform in [low, high], both included. Requires low <= high.
  constexpr std::int64_t integer(std::int64_t low, std::int64_t high) {
    PW_CHECK(low <= high);
    // Unsigned, because high - low need not fit in 63 bits. A span of 0 is all 2^64 values.
    const auto first = static_cast<std::uint64_t>(low);
    const std::uint64_t span = static_cast<std::uint64_t>(high) - first + 1;
    return static_cast<std::int64_t>(first + (span == 0 ? bits() : bits() % span));
  }

 private:
  std::uint64_t state_;
};

}  // namespace planewise
