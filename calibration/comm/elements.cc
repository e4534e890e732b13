#include "calibration/comm/elements.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "calibration/host/e4m3.h"

namespace planewise::calibration {
namespace {

/// Halves with `kept` bits of mantissa: 10 of IEEE half, 2 of e5m2, which is its upper byte.
std::uint32_t to_half_bits(float value, int kept) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 31;
  const float size = std::fabs(value);
  const int dropped = 10 - kept;
  std::uint32_t half = 0;
  if (std::isnan(value)) {
    half = 0x7e00;
  } else if (std::isinf(size)) {
    half = 0x7c00;
  } else if (size > 0) {
    // In units of the last place at this exponent; below 2^-14 all have the same.
    int exponent = 0;
    std::frexp(size, &exponent);
    const int unit = std::max(exponent - 1, -14) - kept;
    const auto units = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(size, -unit)));
    const std::uint32_t field = static_cast<std::uint32_t>(std::max(exponent - 1, -14) + 14);
    // A full mantissa carries into the exponent by itself.
    half = (field << 10) + (units << dropped);
    if (half >= 0x7c00) half = 0x7c00;
  }
  return (sign << 15) | half;
}

float from_half_bits(std::uint32_t half) {
  const std::uint32_t field = (half >> 10) & 31U;
  const auto mantissa = static_cast<float>(half & 1023U);
  float value = 0;
  if (field == 31) {
    value = mantissa == 0 ? INFINITY : NAN;
  } else if (field == 0) {
    value = std::ldexp(mantissa, -24);
  } else {
    value = std::ldexp(mantissa + 1024, static_cast<int>(field) - 25);
  }
  return (half >> 15) != 0 ? -value : value;
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void add_whole(std::byte* sum, const std::byte* more, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const T total = static_cast<T>(load<T>(sum + i * sizeof(T)) + load<T>(more + i * sizeof(T)));
    std::memcpy(sum + i * sizeof(T), &total, sizeof total);
  }
}

/// A narrow type by its conversions.
template <class T, class ToFloat, class FromFloat>
void add_narrow(std::byte* sum, const std::byte* more, std::size_t count, ToFloat to_float,
                FromFloat from_float) {
  for (std::size_t i = 0; i < count; ++i) {
    std::byte* place = sum + i * sizeof(T);
    const T total = from_float(to_float(load<T>(place)) + to_float(load<T>(more + i * sizeof(T))));
    std::memcpy(place, &total, sizeof total);
  }
}

float from_half(std::uint16_t half) { return from_half_bits(half); }
std::uint16_t to_half(float value) { return static_cast<std::uint16_t>(to_half_bits(value, 10)); }
float from_e5m2(std::uint8_t code) { return from_half_bits(static_cast<std::uint32_t>(code) << 8); }
std::uint8_t to_e5m2(float value) { return static_cast<std::uint8_t>(to_half_bits(value, 2) >> 8); }

template <class T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace

const std::vector<std::string>& element_words() {
  static const std::vector<std::string> words = {"int8",   "uint8",    "int32",  "uint32",
                                                 "int64",  "uint64",   "half",   "float",
                                                 "double", "bfloat16", "f8e4m3", "f8e5m2"};
  return words;
}

std::optional<ElementType> element_of(const std::string& word) {
  const auto& words = element_words();
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<ElementType>(found - words.begin());
}

std::size_t element_size(ElementType type) {
  constexpr std::array<std::size_t, 12> kSizes = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1};
  return kSizes[static_cast<std::size_t>(type)];
}

void add_elements(std::byte* sum, const std::byte* more, std::size_t count, ElementType type) {
  switch (type) {
    case ElementType::int8:
    case ElementType::uint8:
      return add_whole<std::uint8_t>(sum, more, count);
    case ElementType::int32:
    case ElementType::uint32:
      return add_whole<std::uint32_t>(sum, more, count);
    case ElementType::int64:
    case ElementType::uint64:
      return add_whole<std::uint64_t>(sum, more, count);
    case ElementType::half:
      return add_narrow<std::uint16_t>(sum, more, count, from_half, to_half);
    case ElementType::float32:
      return add_whole<float>(sum, more, count);
    case ElementType::float64:
      return add_whole<double>(sum, more, count);
    case ElementType::bfloat16:
      return add_narrow<std::uint16_t>(
          sum, more, count, [](std::uint16_t bits) { return host::from_bf16(bits); },
          [](float value) { return host::to_bf16(value); });
    case ElementType::e4m3:
      return add_narrow<std::uint8_t>(sum, more, count, host::from_e4m3, host::to_e4m3);
    case ElementType::e5m2:
      return add_narrow<std::uint8_t>(sum, more, count, from_e5m2, to_e5m2);
  }
  PW_UNREACHABLE("ElementType has twelve values");
}

void store_element(std::byte* to, int value, ElementType type) {
  switch (type) {
    case ElementType::int8:
    case ElementType::uint8:
      return store(to, static_cast<std::uint8_t>(value));
    case ElementType::int32:
    case ElementType::uint32:
      return store(to, static_cast<std::uint32_t>(value));
    case ElementType::int64:
    case ElementType::uint64:
      return store(to, static_cast<std::uint64_t>(value));
    case ElementType::half:
      return store(to, to_half(static_cast<float>(value)));
    case ElementType::float32:
      return store(to, static_cast<float>(value));
    case ElementType::float64:
      return store(to, static_cast<double>(value));
    case ElementType::bfloat16:
      return store(to, host::to_bf16(static_cast<float>(value)));
    case ElementType::e4m3:
      return store(to, host::to_e4m3(static_cast<float>(value)));
    case ElementType::e5m2:
      return store(to, to_e5m2(static_cast<float>(value)));
  }
  PW_UNREACHABLE("ElementType has twelve values");
}

}  // namespace planewise::calibration
