// Physical quantities: one double and one dimension, checked by the compiler.
#pragma once

#include <compare>

namespace planewise {

/// The exponents of a unit: byte^a second^b flop^c usd^d joule^e metre^f.
struct Dimension {
  int byte = 0;
  int second = 0;
  int flop = 0;
  int usd = 0;
  int joule = 0;
  int metre = 0;

  constexpr bool operator==(const Dimension&) const = default;
};

constexpr Dimension operator+(Dimension a, Dimension b) {
  return {a.byte + b.byte, a.second + b.second, a.flop + b.flop,
          a.usd + b.usd,   a.joule + b.joule,   a.metre + b.metre};
}
constexpr Dimension operator-(Dimension a, Dimension b) {
  return {a.byte - b.byte, a.second - b.second, a.flop - b.flop,
          a.usd - b.usd,   a.joule - b.joule,   a.metre - b.metre};
}

/// A number with a dimension, stored in base units (B, s, flop, USD, J, m), so no prefix is ever
/// lost.
///
/// Whole numbers up to 2^53 (9 PB) are exact. Construct with the named functions below and read
/// with in(): `t.in(milliseconds(1))`.
template <Dimension D>
class Quantity {
 public:
  static constexpr Dimension dimension = D;

  constexpr Quantity() = default;
  static constexpr Quantity from_base(double value) { return Quantity(value); }

  constexpr double base() const { return value_; }
  /// How many `unit`s fit in this quantity.
  constexpr double in(Quantity unit) const { return value_ / unit.value_; }

  constexpr auto operator<=>(const Quantity&) const = default;
  // Written out, since g++ 12 branches in those that it derives from <=>: a tenth of a hot loop.
  constexpr bool operator<(Quantity o) const { return value_ < o.value_; }
  constexpr bool operator>(Quantity o) const { return value_ > o.value_; }
  constexpr bool operator<=(Quantity o) const { return value_ <= o.value_; }
  constexpr bool operator>=(Quantity o) const { return value_ >= o.value_; }
  constexpr Quantity operator+(Quantity o) const { return Quantity(value_ + o.value_); }
  constexpr Quantity operator-(Quantity o) const { return Quantity(value_ - o.value_); }
  constexpr Quantity operator*(double k) const { return Quantity(value_ * k); }
  constexpr Quantity operator/(double k) const { return Quantity(value_ / k); }
  constexpr Quantity& operator+=(Quantity o) {
    value_ += o.value_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity o) {
    value_ -= o.value_;
    return *this;
  }

 private:
  explicit constexpr Quantity(double value) : value_(value) {}
  double value_ = 0;
};

template <Dimension D>
constexpr Quantity<D> operator*(double k, Quantity<D> q) {
  return q * k;
}
template <Dimension A, Dimension B>
constexpr Quantity<A + B> operator*(Quantity<A> a, Quantity<B> b) {
  return Quantity<A + B>::from_base(a.base() * b.base());
}
/// A quotient of two equal dimensions is a plain number: use in() for that, this is for unequal
/// ones.
template <Dimension A, Dimension B>
requires(!(A == B)) constexpr Quantity<A - B> operator/(Quantity<A> a, Quantity<B> b) {
  return Quantity<A - B>::from_base(a.base() / b.base());
}

using Bytes = Quantity<Dimension{.byte = 1}>;
using Seconds = Quantity<Dimension{.second = 1}>;
using Rate = Quantity<Dimension{.byte = 1, .second = -1}>;  ///< Bytes per second, one direction.
using Flop = Quantity<Dimension{.flop = 1}>;
using FlopRate = Quantity<Dimension{.second = -1, .flop = 1}>;
using Usd = Quantity<Dimension{.usd = 1}>;
using Watts = Quantity<Dimension{.second = -1, .joule = 1}>;
using Metres = Quantity<Dimension{.metre = 1}>;

// Small units divide by a power of ten, which is exact, so that 3 us is the double nearest to 3e-6.
constexpr Bytes bytes(double n) { return Bytes::from_base(n); }
constexpr Seconds seconds(double n) { return Seconds::from_base(n); }
constexpr Seconds milliseconds(double n) { return Seconds::from_base(n / 1e3); }
constexpr Seconds microseconds(double n) { return Seconds::from_base(n / 1e6); }
constexpr Seconds hours(double n) { return Seconds::from_base(n * 3600); }
constexpr Rate bytes_per_second(double n) { return Rate::from_base(n); }
constexpr Rate gigabits_per_second(double n) { return Rate::from_base(n * 1e9 / 8); }
constexpr Rate gigabytes_per_second(double n) { return Rate::from_base(n * 1e9); }
constexpr Flop flop(double n) { return Flop::from_base(n); }
constexpr Flop gigaflop(double n) { return Flop::from_base(n * 1e9); }
constexpr FlopRate teraflops(double n) { return FlopRate::from_base(n * 1e12); }
constexpr Usd usd(double n) { return Usd::from_base(n); }
constexpr Watts watts(double n) { return Watts::from_base(n); }
constexpr Metres metres(double n) { return Metres::from_base(n); }

static_assert(gigabits_per_second(400) == gigabytes_per_second(50));
static_assert(bytes(50e9) / gigabits_per_second(400) == seconds(1));

}  // namespace planewise
