#include "base/unit_text.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/check.h"
#include "base/text.h"

namespace planewise {
namespace {

/// One unit is factor / divisor base units. Both are exact, so a round number stays round: 57 % is
/// the double nearest to 0.57, which 57 * 0.01 is not.
struct Unit {
  std::string_view name;
  double factor;
  double divisor;
  Dimension dimension;
};

constexpr std::array kPlainUnits = {
    Unit{"ns", 1, 1e9, Seconds::dimension}, Unit{"us", 1, 1e6, Seconds::dimension},
    Unit{"ms", 1, 1e3, Seconds::dimension}, Unit{"s", 1, 1, Seconds::dimension},
    Unit{"h", 3600, 1, Seconds::dimension}, Unit{"W", 1, 1, Watts::dimension},
    Unit{"kW", 1e3, 1, Watts::dimension},   Unit{"USD", 1, 1, Usd::dimension},
    Unit{"m", 1, 1, Metres::dimension},     Unit{"TFLOPS", 1e12, 1, FlopRate::dimension},
    Unit{"GFLOP", 1e9, 1, Flop::dimension}, Unit{"%", 1, 100, Dimension{}},
};

struct Prefix {
  std::string_view name;
  double factor;
};
constexpr std::array kPrefixes = {
    Prefix{"Ki", 1024.0}, Prefix{"Mi", 1048576.0}, Prefix{"Gi", 1073741824.0}, Prefix{"k", 1e3},
    Prefix{"M", 1e6},     Prefix{"G", 1e9},        Prefix{"T", 1e12},          Prefix{"", 1},
};

/// Sizes and rates: prefix, `b` or `B`, and `/s` for a rate.
std::optional<Unit> data_unit(std::string_view name) {
  for (const Prefix& prefix : kPrefixes) {
    if (!name.starts_with(prefix.name)) continue;
    const std::string_view rest = name.substr(prefix.name.size());
    if (rest == "b") return Unit{name, prefix.factor, 8, Bytes::dimension};
    if (rest == "B") return Unit{name, prefix.factor, 1, Bytes::dimension};
    if (rest == "b/s") return Unit{name, prefix.factor, 8, Rate::dimension};
    if (rest == "B/s") return Unit{name, prefix.factor, 1, Rate::dimension};
  }
  return std::nullopt;
}

std::optional<Unit> find_unit(std::string_view name) {
  for (const Unit& unit : kPlainUnits) {
    if (unit.name == name) return unit;
  }
  return data_unit(name);
}

using Spelling = std::array<std::string_view, 2>;  // wrong, right

void replace_end(std::string& text, const Spelling& spelling) {
  const auto& [wrong, right] = spelling;
  if (!text.ends_with(wrong)) return;
  text.resize(text.size() - wrong.size());
  text += right;
}

/// A guess at what a common wrong spelling meant; empty if there is none.
std::string usual_mistake(std::string_view unit) {
  constexpr std::array kWords = {
      Spelling{"$", "USD"},          Spelling{"usd", "USD"},        Spelling{"dollars", "USD"},
      Spelling{"sec", "s"},          Spelling{"seconds", "s"},      Spelling{"hours", "h"},
      Spelling{"\u00b5s", "us"},     Spelling{"\u03bcs", "us"},     Spelling{"w", "W"},
      Spelling{"KW", "kW"},          Spelling{"watts", "W"},        Spelling{"percent", "%"},
      Spelling{"TFLOP/s", "TFLOPS"}, Spelling{"TFLOPs", "TFLOPS"},  Spelling{"TFlops", "TFLOPS"},
      Spelling{"tflops", "TFLOPS"},  Spelling{"TFLOPS/s", "TFLOPS"}};
  for (const auto& [wrong, right] : kWords) {
    if (unit == wrong) return std::string(right);
  }
  constexpr std::array kEnds = {Spelling{"ps", "/s"},     Spelling{"/sec", "/s"},
                                Spelling{"bit/s", "b/s"}, Spelling{"Byte/s", "B/s"},
                                Spelling{"bit", "b"},     Spelling{"Byte", "B"}};
  std::string guess(unit);
  for (const Spelling& spelling : kEnds) replace_end(guess, spelling);
  constexpr std::array kStarts = {Spelling{"K", "k"}, Spelling{"k", "K"}, Spelling{"m", "M"},
                                  Spelling{"g", "G"}, Spelling{"t", "T"}};
  if (data_unit(guess)) return guess;
  for (const auto& [wrong, right] : kStarts) {
    if (!guess.starts_with(wrong)) continue;
    guess.replace(0, 1, right);
    return data_unit(guess) ? guess : std::string();
  }
  return {};
}

}  // namespace

bool parse_number(std::string_view text, double& value) {
  const auto is_digit = [&](std::size_t i) {
    return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0;
  };
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  if (!is_digit(first)) return false;
  if (text[first] == '0' && is_digit(first + 1)) return false;  // 010 is 8 to some readers
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  if (end != text.data() + text.size()) return false;
  value = number;
  return true;
}

std::variant<TextQuantity, TextProblem> parse_quantity(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) {
    double bare = 0;
    if (parse_number(text, bare)) return TextProblem{in_quotes(text) + " has no unit"};
    return TextProblem{in_quotes(text) + " is not a number, one space and a unit"};
  }
  double number = 0;
  if (!parse_number(text.substr(0, space), number)) {
    return TextProblem{in_quotes(text) + " does not start with a plain decimal number"};
  }
  const std::string_view name = text.substr(space + 1);
  if (name.starts_with(' ')) {
    return TextProblem{in_quotes(text) + " has more than one space before its unit"};
  }
  const std::optional<Unit> unit = find_unit(name);
  if (!unit) {
    const std::string right = usual_mistake(name);
    return TextProblem{"unknown unit " + in_quotes(name) +
                       (right.empty() ? "" : "; did you mean '" + right + "'?")};
  }
  const double base = number * unit->factor / unit->divisor;
  if (!std::isfinite(base)) return TextProblem{in_quotes(text) + " is too large"};
  return TextQuantity{base, unit->dimension};
}

std::variant<PrintedValue, TextProblem> parse_printed(std::string_view text) {
  // A plain number has no unit; what else it may be, parse_quantity says.
  const auto read = [](std::string_view whole) -> std::variant<TextQuantity, TextProblem> {
    double number = 0;
    if (parse_number(whole, number)) return TextQuantity{.base = number};
    return parse_quantity(whole);
  };
  const auto parsed = read(text);
  if (const auto* problem = std::get_if<TextProblem>(&parsed)) return *problem;
  const auto& quantity = std::get<TextQuantity>(parsed);
  const std::string_view digits = text.substr(0, text.find_first_not_of("-0123456789."));
  const std::string unit(text.substr(digits.size()));
  const std::size_t point = digits.find('.');
  const auto one = read("1" + unit);
  return PrintedValue{
      .base = quantity.base,
      .dimension = quantity.dimension,
      .decimals = point == digits.npos ? 0 : static_cast<int>(digits.size() - point - 1),
      .one = std::get<TextQuantity>(one).base,
      .unit = unit};
}

namespace {

struct DimensionWords {
  Dimension dimension;
  std::string_view name;
  std::string_view example;
};
constexpr std::array kDimensionWords = {
    DimensionWords{Bytes::dimension, "a size", "'7 KiB' or '50 GB'"},
    DimensionWords{Rate::dimension, "a rate", "'400 Gb/s' (bits) or '50 GB/s' (bytes)"},
    DimensionWords{Seconds::dimension, "a time", "'3.7 us'"},
    DimensionWords{Usd::dimension, "a price", "'40000 USD'"},
    DimensionWords{Watts::dimension, "a power", "'747 W'"},
    DimensionWords{Metres::dimension, "a length", "'2 m'"},
    DimensionWords{FlopRate::dimension, "a compute rate", "'989 TFLOPS'"},
    DimensionWords{Flop::dimension, "an amount of work", "'250 GFLOP'"},
    DimensionWords{Dimension{}, "a plain number", "'1.5' or '80 %'"},
};

const DimensionWords& words_of(Dimension dimension) {
  for (const DimensionWords& words : kDimensionWords) {
    if (words.dimension == dimension) return words;
  }
  PW_UNREACHABLE("a dimension that no YAML unit has");
}

}  // namespace

std::string dimension_name(Dimension dimension) { return std::string(words_of(dimension).name); }
std::string dimension_example(Dimension dimension) {
  return std::string(words_of(dimension).example);
}

}  // namespace planewise
