// What a command tells, and its renderings as text, Markdown, CSV and JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"

namespace planewise::calibration {

enum class Format : std::uint8_t { text, json, csv, md };

/// A cell: as people read it, and as programs do.
struct Value {
  std::string text{};              ///< `1,346 TFLOPS`.
  std::optional<double> number{};  ///< In the column's unit; none: the text.
};

Value text_value(std::string text);
Value count_value(std::int64_t count);
/// `number` with `decimals` places in text and all of them for programs.
Value number_value(double number, int decimals);
/// 0.034 -> `3.4 %`.
Value share_value(double share);

/// `1 KiB`, `1 GiB`; what is no multiple of 1024 in bytes.
std::string size_text(Bytes size);

struct Column {
  std::string title{};  ///< `rate (TFLOPS)`.
  std::string key{};    ///< `rate_tflops`: in JSON and CSV.
};

struct Sheet {
  std::string title{};
  std::string key{};
  std::vector<Column> columns{};
  std::vector<std::vector<Value>> rows{};  ///< Each as long as `columns`.
};

struct Fact {
  std::string title{};
  std::string key{};
  Value value{};
};

struct Account {
  std::string title{};
  std::vector<Fact> facts{};
  std::vector<Sheet> sheets{};
  std::vector<std::string> notes{};
};

/// Ends with a line feed. CSV has the sheets alone, an empty line between two.
std::string render(const Account& account, Format format);

}  // namespace planewise::calibration
