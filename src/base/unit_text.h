// Quantities as written in YAML: a number, one space, one unit.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/units.h"

namespace planewise {

/// A quantity read from text: its value in base units, and what it is.
struct TextQuantity {
  double base = 0;
  Dimension dimension{};
};

/// Why a text is no quantity: lower case, no full stop.
struct TextProblem {
  std::string message;
};

/// Reads `400 Gb/s`, `50 GB/s`, `3.7 us`, `7 KiB`, `40000 USD`, `747 W`, `2 m`, `989 TFLOPS`,
/// `250 GFLOP`, `5 %`.
///
/// `b` is bit and `B` is byte; `k M G T` are powers of 1000, `Ki Mi Gi` of 1024. Times are `ns us
/// ms s h`, powers `W kW`. A percentage has no dimension (5 % is 0.05). Nothing else is accepted:
/// no bare number, no `010`, no `1e400`, no `Gbps`.
std::variant<TextQuantity, TextProblem> parse_quantity(std::string_view text);

/// Reads a plain decimal number (`12`, `-0.5`, `1e3`); refuses `010`, hexadecimal, `inf` and `nan`.
/// Returns false and leaves `value` alone if `text` is no such number.
bool parse_number(std::string_view text, double& value);

/// A value as a source prints it: `70272 B`, `272.80e9`, `43.73 %`.
struct PrintedValue {
  double base = 0;
  Dimension dimension{};
  int decimals = 0;    ///< Digits after the point.
  double one = 1;      ///< In base units, what its digits count: of `272.80e9` 1e9.
  std::string unit{};  ///< What follows its digits: ` B`, `e9`, ` %`, or nothing.
};

/// Reads a quantity or a plain number together with how many digits of it are printed.
std::variant<PrintedValue, TextProblem> parse_printed(std::string_view text);

/// What a dimension is called in an error: "a rate", "a size", "a time"; "a plain number" if it has
/// none.
std::string dimension_name(Dimension dimension);

/// A unit to suggest for a dimension: "'400 Gb/s' (bits) or '50 GB/s' (bytes)".
std::string dimension_example(Dimension dimension);

}  // namespace planewise
