#include "calibration/raw/json_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/text.h"

namespace planewise::calibration {
namespace {

constexpr std::size_t kDeepest = 16;

/// What nlohmann's parser calls, event by event. Each handler returns whether to go on.
class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text) {}

  bool null() override { return add({.kind = JsonKind::null}); }
  bool boolean(bool value) override { return add({.kind = JsonKind::boolean, .boolean = value}); }
  bool number_integer(number_integer_t value) override {
    return add_number(static_cast<double>(value), value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    const bool fits = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (fits) return add_number(static_cast<double>(value), static_cast<std::int64_t>(value));
    return add_number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    constexpr double kMostExact = 9007199254740992;  // 2^53
    if (value == std::floor(value) && std::abs(value) <= kMostExact) {
      return add_number(value, static_cast<std::int64_t>(value));
    }
    return add_number(value);
  }
  bool string(string_t& value) override {
    return add({.kind = JsonKind::text, .text = std::move(value)});
  }
  bool binary(binary_t&) override { PW_UNREACHABLE("JSON text has no binary values"); }
  bool start_object(std::size_t) override { return open(JsonKind::map); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(JsonKind::list); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    std::vector<JsonValue>& members = open_.back()->members;
    const bool is_twice = std::any_of(members.begin(), members.end(),
                                      [&](const JsonValue& m) { return m.key == name; });
    if (is_twice) {
      const std::size_t second = find_json_key(text_, name, 0, 2);
      problem_ = {.byte = second == std::string_view::npos ? 0 : second,
                  .message = fmt::format("key {} twice in one map", in_quotes(name)),
                  .hint = "keep one of the two"};
      return false;
    }
    members.push_back({.key = std::move(name)});
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    problem_ = {.byte = position == 0 ? 0 : position - 1, .message = message_of(error.what())};
    const std::size_t word = text_.find_last_of(",:[ ", problem_.byte);
    const std::string_view rest = text_.substr(word == std::string_view::npos ? 0 : word + 1);
    constexpr std::array<std::string_view, 7> kNoNumbers = {"NaN",       "nan",  "-nan", "Infinity",
                                                            "-Infinity", "-inf", "inf"};
    for (const std::string_view no_number : kNoNumbers) {
      if (!rest.starts_with(no_number)) continue;
      problem_ = {.byte = static_cast<std::size_t>(rest.data() - text_.data()),
                  .message = fmt::format("{} is not a number", no_number),
                  .hint = "JSON has neither NaN nor infinity; remove the record and measure again"};
    }
    return false;
  }

  JsonValue take_root() { return std::move(root_); }
  JsonProblem take_problem() { return std::move(problem_); }

 private:
  /// `[json.exception.parse_error.101] parse error at line 1, column 9: syntax error while parsing
  /// value - unexpected end of input; expected ...` without what the place says already.
  static std::string message_of(std::string_view what) {
    if (what.find("number overflow") != std::string_view::npos) {
      return "a number is too large for a double";
    }
    const std::size_t dash = what.find(" - ");
    if (dash == std::string_view::npos) return "is not JSON";
    const std::string_view reason = what.substr(dash + 3);
    return fmt::format("is not JSON: {}", reason.substr(0, reason.find(';')));
  }

  bool add_number(double number, std::optional<std::int64_t> whole = {}) {
    if (!open_.empty() && open_.back()->kind == JsonKind::list && open_.back()->items.empty()) {
      open_.back()->numbers.push_back(number);
      return true;
    }
    return add({.kind = JsonKind::number,
                .is_whole = whole.has_value(),
                .whole = whole.value_or(0),
                .number = number});
  }

  /// A list that turns out not to be of numbers alone gets items for those before.
  static void spread(JsonValue& list) {
    for (const double number : list.numbers) {
      const bool is_whole = number == std::floor(number) && std::abs(number) < 9e15;
      list.items.push_back({.kind = JsonKind::number,
                            .is_whole = is_whole,
                            .whole = is_whole ? static_cast<std::int64_t>(number) : 0,
                            .number = number});
    }
    list.numbers.clear();
  }

  JsonValue& place(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return root_;
    }
    JsonValue& parent = *open_.back();
    if (parent.kind == JsonKind::map) {
      value.key = std::move(parent.members.back().key);
      parent.members.back() = std::move(value);
      return parent.members.back();
    }
    spread(parent);
    parent.items.push_back(std::move(value));
    return parent.items.back();
  }

  bool add(JsonValue value) {
    place(std::move(value));
    return true;
  }

  /// A pointer to a value that is open stays good: only the innermost one grows.
  bool open(JsonKind kind) {
    if (open_.size() >= kDeepest) {
      problem_ = {.message =
                      fmt::format("more than {} maps and lists within each other", kDeepest)};
      return false;
    }
    open_.push_back(&place({.kind = kind}));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  JsonValue root_{};
  std::vector<JsonValue*> open_{};
  JsonProblem problem_{};
};

}  // namespace

std::variant<JsonValue, JsonProblem> parse_json(std::string_view text) {
  TreeBuilder builder(text);
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return builder.take_root();
  return builder.take_problem();
}

std::size_t find_json_key(std::string_view text, std::string_view key, std::size_t from,
                          int count) {
  const std::string quoted = fmt::format("\"{}\"", key);
  for (std::size_t at = from; (at = text.find(quoted, at)) != std::string_view::npos; ++at) {
    const std::size_t next = text.find_first_not_of(" \t", at + quoted.size());
    if (next == std::string_view::npos || text[next] != ':') continue;
    if (--count == 0) return at;
  }
  return std::string_view::npos;
}

}  // namespace planewise::calibration
