// Element types as nccl-tests spell them, and sums of them on the processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace planewise::calibration {

enum class ElementType : std::uint8_t {
  int8,
  uint8,
  int32,
  uint32,
  int64,
  uint64,
  half,
  float32,
  float64,
  bfloat16,
  e4m3,
  e5m2,
};

/// `int8` ... `half`, `float`, `double`, `bfloat16`, `f8e4m3`, `f8e5m2`; in the order of the type.
const std::vector<std::string>& element_words();
std::optional<ElementType> element_of(const std::string& word);
std::size_t element_size(ElementType type);

/// sum[i] += more[i], each sum rounded to the type.
void add_elements(std::byte* sum, const std::byte* more, std::size_t count, ElementType type);

/// A small whole number as an element; the types hold it exactly up to 8.
void store_element(std::byte* to, int value, ElementType type);

}  // namespace planewise::calibration
