#include "fabric/finite_field.h"

#include "base/check.h"

namespace planewise::fabric {
namespace {

std::int64_t smallest_prime_factor(std::int64_t n) {
  std::int64_t prime = 2;
  while (prime * prime <= n && n % prime != 0) ++prime;
  return prime * prime > n ? n : prime;
}

/// The element times x, modulo the monic polynomial whose lower coefficients are `modulus`.
std::int64_t times_x(std::int64_t element, std::int64_t p, std::int64_t q,
                     const std::vector<std::int64_t>& modulus) {
  const std::int64_t shifted = element % (q / p) * p;
  const std::int64_t carry = element / (q / p);  // Times minus the modulus is what x^n leaves.
  std::int64_t result = 0;
  std::int64_t place = 1;
  for (const std::int64_t coefficient : modulus) {
    const std::int64_t digit = (shifted / place % p + (p - carry) * coefficient) % p;
    result += digit * place;
    place *= p;
  }
  return result;
}

}  // namespace

FiniteField::FiniteField(std::int64_t q) : q_(q), p_(smallest_prime_factor(q)) {
  PW_CHECK(q >= 2);
  std::int64_t degree = 0;
  for (std::int64_t size = 1; size < q; size *= p_) ++degree;
  if (degree == 1) {
    for (std::int64_t element = 1; element < q; ++element) {
      if (fill_powers(element, {})) return;
    }
  }
  // Polynomials in order; x is primitive for some of them, and those are irreducible.
  for (std::int64_t code = 1; code < q; ++code) {
    std::vector<std::int64_t> modulus;
    for (std::int64_t rest = code, i = 0; i < degree; ++i, rest /= p_) modulus.push_back(rest % p_);
    if (fill_powers(p_, modulus)) return;
  }
  PW_UNREACHABLE("a finite field without a primitive element; q is no prime power");
}

/// Fills the tables with the powers of `element`; false unless they are all q - 1 of them. An empty
/// modulus stands for the integers modulo q.
bool FiniteField::fill_powers(std::int64_t element, const std::vector<std::int64_t>& modulus) {
  powers_.clear();
  logs_.assign(static_cast<std::size_t>(q_), -1);
  std::int64_t power = 1;
  for (std::int64_t exponent = 0; exponent < q_ - 1; ++exponent) {
    std::int64_t& log = logs_[static_cast<std::size_t>(power)];
    if (power == 0 || log >= 0) return false;
    log = exponent;
    powers_.push_back(power);
    power = modulus.empty() ? power * element % q_ : times_x(power, p_, q_, modulus);
  }
  return true;
}

std::int64_t FiniteField::add(std::int64_t a, std::int64_t b) const {
  std::int64_t sum = 0;
  for (std::int64_t place = 1; place < q_; place *= p_) {
    sum += (a / place + b / place) % p_ * place;
  }
  return sum;
}

std::int64_t FiniteField::subtract(std::int64_t a, std::int64_t b) const {
  std::int64_t difference = 0;
  for (std::int64_t place = 1; place < q_; place *= p_) {
    difference += (a / place % p_ + p_ - b / place % p_) % p_ * place;
  }
  return difference;
}

std::int64_t FiniteField::multiply(std::int64_t a, std::int64_t b) const {
  if (a == 0 || b == 0) return 0;
  return power(logs_[static_cast<std::size_t>(a)] + logs_[static_cast<std::size_t>(b)]);
}

std::int64_t FiniteField::power(std::int64_t exponent) const {
  PW_CHECK(exponent >= 0);
  return powers_[static_cast<std::size_t>(exponent % (q_ - 1))];
}

}  // namespace planewise::fabric
