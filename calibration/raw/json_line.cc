#include "calibration/raw/json_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/text.h"
#include "spec/nearest_word.h"

namespace planewise::calibration {

/// What is known about one map while it is read.
struct JsonFields::Visit {
  JsonValue* value = nullptr;  ///< Null: the map is missing or none.
  std::string path{};
  std::size_t begin = 0;             ///< Byte of the line from which its keys are sought.
  std::vector<std::string> asked{};  ///< Keys that a reader wanted to know about.
  std::vector<std::string> missing{};
};

struct JsonFields::Line {
  const spec::Origin& origin;
  int number = 0;
  spec::Diagnostics& diagnostics;
  JsonValue root{};
  bool is_well = true;
  std::vector<Visit> visits{};
};

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += "'" + words[i] + "'";
  }
  return out;
}

/// `null is`, `a list is`: what a value of the wrong kind is; "not a number" follows.
std::string what_it_is(const JsonValue& value) {
  switch (value.kind) {
    case JsonKind::null:
      return "null is";
    case JsonKind::boolean:
      return value.boolean ? "true is" : "false is";
    case JsonKind::number:
      return fmt::format("{:g} is", value.number);
    case JsonKind::text:
      return in_quotes(value.text) + " is";
    case JsonKind::list:
      return "a list is";
    case JsonKind::map:
      return "a map is";
  }
  PW_UNREACHABLE("JsonKind has six values");
}

/// How a program that has no number to write spells that.
bool says_no_number(const JsonValue& value) {
  constexpr std::array<std::string_view, 9> kWords = {"nan", "NaN",  "-nan",     "inf",      "-inf",
                                                      "Inf", "-Inf", "Infinity", "-Infinity"};
  if (value.kind == JsonKind::null) return true;
  return value.kind == JsonKind::text &&
         std::find(kWords.begin(), kWords.end(), value.text) != kWords.end();
}

constexpr const char* kNoNumber =
    "JSON has neither NaN nor infinity; remove the record and measure again";

bool is_text(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

}  // namespace

JsonFields::Visit& JsonFields::visit() const { return line_->visits[visit_]; }

JsonValue* JsonFields::take(std::string_view key) {
  Visit& here = visit();
  here.asked.emplace_back(key);
  if (here.value == nullptr) return nullptr;
  for (JsonValue& member : here.value->members) {
    if (member.key != key) continue;
    member.is_used = true;
    return &member;
  }
  return nullptr;
}

bool JsonFields::has(std::string_view key) { return take(key) != nullptr; }

bool JsonFields::has_text(std::string_view key) {
  const JsonValue* value = take(key);
  return value != nullptr && value->kind == JsonKind::text;
}

int JsonFields::column_of(std::string_view key) const {
  const std::string_view text = line_->origin.line(line_->number);
  const Visit& here = visit();
  const std::size_t at = find_json_key(text, key, here.begin);
  if (at == std::string_view::npos) return static_cast<int>(here.begin) + 1;
  return static_cast<int>(text.find_first_not_of(" \t:", at + key.size() + 2)) + 1;
}

void JsonFields::report(std::string_view key, const std::string& path, const std::string& message,
                        const std::string& hint) {
  line_->is_well = false;
  const spec::Position at{.line = line_->number, .column = column_of(key)};
  line_->diagnostics.add(line_->origin, at, path, message, hint);
}

void JsonFields::error(std::string_view key, const std::string& message, const std::string& hint) {
  const Visit& here = visit();
  if (here.value == nullptr) return;
  report(key, here.path + std::string(key), message, hint);
}

void JsonFields::refuse_kind(std::string_view key, const std::string& path, const JsonValue& value,
                             std::string_view what) {
  const bool no_number = says_no_number(value) && what.find("number") != std::string_view::npos;
  report(key, path, fmt::format("{} not {}", what_it_is(value), what), no_number ? kNoNumber : "");
}

JsonValue* JsonFields::require(std::string_view key, JsonKind kind, std::string_view what) {
  JsonValue* value = take(key);
  Visit& here = visit();
  if (value == nullptr) {
    if (here.value != nullptr) here.missing.emplace_back(key);
    return nullptr;
  }
  if (value->kind == kind) return value;
  refuse_kind(key, here.path + std::string(key), *value, what);
  return nullptr;
}

std::string JsonFields::text(std::string_view key) {
  const JsonValue* value = require(key, JsonKind::text, "a text");
  if (value == nullptr) return "";
  if (value->text.find_first_not_of(" \t") == std::string::npos) {
    error(key, "is empty", "write a text");
  } else if (!is_text(value->text)) {
    error(key,
          fmt::format("{} has a line break or another control character", in_quotes(value->text)));
    return "";
  }
  return value->text;
}

std::string JsonFields::optional_text(std::string_view key) {
  const JsonValue* value = take(key);
  if (value == nullptr || (value->kind == JsonKind::text && value->text.empty())) return "";
  return text(key);
}

bool JsonFields::in_range(std::string_view key, const std::string& path, double value,
                          spec::NumberRange range) {
  if (value >= range.min && value <= range.max) return true;
  const bool has_most = range.max < std::numeric_limits<double>::max();
  if (range.min == std::numeric_limits<double>::denorm_min()) {
    report(key, path, fmt::format("{:g} must be more than 0", value));
  } else if (has_most) {
    report(key, path,
           fmt::format("{:g} is out of range; it must be from {:g} to {:g}", value, range.min,
                       range.max));
  } else {
    report(key, path, fmt::format("{:g} is too small; the least is {:g}", value, range.min));
  }
  return false;
}

double JsonFields::number(std::string_view key, spec::NumberRange range) {
  const JsonValue* value = require(key, JsonKind::number, "a number");
  if (value == nullptr || !in_range(key, visit().path + std::string(key), value->number, range)) {
    return 0;
  }
  return value->number;
}

double JsonFields::optional_number(std::string_view key, spec::NumberRange range,
                                   double otherwise) {
  return has(key) ? number(key, range) : otherwise;
}

namespace {
constexpr spec::NumberRange kMoreThanNone{.min = std::numeric_limits<double>::denorm_min()};
}  // namespace

double JsonFields::positive(std::string_view key) { return number(key, kMoreThanNone); }

std::int64_t JsonFields::integer(std::string_view key, spec::IntegerRange range) {
  const JsonValue* value = require(key, JsonKind::number, "a whole number");
  if (value == nullptr) return 0;
  if (!value->is_whole) {
    error(key, fmt::format("{:g} is not a whole number", value->number));
  } else if (value->whole < range.min) {
    error(key, fmt::format("{} is too small; the least is {}", value->whole, range.min));
  } else if (value->whole > range.max) {
    error(key, fmt::format("{} is too large; the most is {}", value->whole, range.max));
  } else {
    return value->whole;
  }
  return 0;
}

int JsonFields::small_integer(std::string_view key, spec::IntegerRange range) {
  range.min = std::max<std::int64_t>(range.min, std::numeric_limits<int>::min());
  range.max = std::min<std::int64_t>(range.max, std::numeric_limits<int>::max());
  return static_cast<int>(integer(key, range));
}

int JsonFields::optional_integer(std::string_view key, spec::IntegerRange range, int otherwise) {
  return has(key) ? small_integer(key, range) : otherwise;
}

bool JsonFields::boolean(std::string_view key) {
  const JsonValue* value = require(key, JsonKind::boolean, "true or false");
  return value != nullptr && value->boolean;
}

std::size_t JsonFields::choice(std::string_view key, const std::vector<std::string>& words) {
  const JsonValue* value = require(key, JsonKind::text, "a text");
  if (value == nullptr) return 0;
  const auto found = std::find(words.begin(), words.end(), value->text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const auto nearest = spec::nearest_word(value->text, spec::WordSet(words.begin(), words.end()));
  error(key,
        fmt::format("unknown value {}{}", in_quotes(value->text),
                    nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""),
        fmt::format("write {}", joined(words)));
  return 0;
}

std::vector<double> JsonFields::positives(std::string_view key) {
  return numbers(key, kMoreThanNone);
}

std::vector<double> JsonFields::numbers(std::string_view key, spec::NumberRange range) {
  JsonValue* value = require(key, JsonKind::list, "a list of numbers");
  if (value == nullptr) return {};
  const std::string path = visit().path + std::string(key);
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const JsonValue& item = value->items[i];
    if (item.kind != JsonKind::number) {
      refuse_kind(key, fmt::format("{}[{}]", path, i), item, "a number");
      return {};
    }
    value->numbers.push_back(item.number);
  }
  if (value->numbers.empty()) error(key, "is an empty list", "write [1, 2, 3]");
  for (std::size_t i = 0; i < value->numbers.size(); ++i) {
    const double number = value->numbers[i];
    if (number >= range.min && number <= range.max) continue;
    in_range(key, fmt::format("{}[{}]", path, i), number, range);
    return {};
  }
  return std::move(value->numbers);
}

std::vector<std::string> JsonFields::texts(std::string_view key) {
  const JsonValue* value = require(key, JsonKind::list, "a list of texts");
  if (value == nullptr) return {};
  const std::string path = visit().path + std::string(key);
  std::vector<std::string> texts;
  if (!value->numbers.empty()) error(key, "a list of numbers is not a list of texts");
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const JsonValue& item = value->items[i];
    if (item.kind != JsonKind::text || item.text.empty() || !is_text(item.text)) {
      refuse_kind(key, fmt::format("{}[{}]", path, i), item, "a text of one line");
      return {};
    }
    texts.push_back(item.text);
  }
  return texts;
}

std::map<std::string, std::string> JsonFields::texts_by_key(std::string_view key) {
  JsonValue* value = require(key, JsonKind::map, "a map of texts");
  if (value == nullptr) return {};
  std::map<std::string, std::string> texts;
  for (const JsonValue& member : value->members) {
    const std::string path = fmt::format("{}{}.{}", visit().path, key, member.key);
    if (member.kind != JsonKind::text || !is_text(member.text) || !is_text(member.key) ||
        member.key.empty()) {
      refuse_kind(key, path, member, "a text of one line");
      continue;
    }
    texts.emplace(member.key, member.text);
  }
  return texts;
}

JsonFields JsonFields::child(std::string_view key, std::string_view path, JsonValue* value) {
  const std::string_view text = line_->origin.line(line_->number);
  // Only a mistake needs the place, but then its parent's must be known.
  const std::size_t at = find_json_key(text, key, visit().begin);
  line_->visits.push_back({.value = value,
                           .path = fmt::format("{}{}.", visit().path, path),
                           .begin = at == std::string_view::npos ? visit().begin : at});
  return {line_, line_->visits.size() - 1};
}

JsonFields JsonFields::map(std::string_view key) {
  return child(key, key, require(key, JsonKind::map, "a map"));
}

std::vector<JsonFields> JsonFields::maps(std::string_view key) {
  JsonValue* list = require(key, JsonKind::list, "a list of maps");
  std::vector<JsonFields> children;
  if (list == nullptr) return children;
  if (!list->numbers.empty()) error(key, "a list of numbers is not a list of maps");
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    JsonValue& item = list->items[i];
    const std::string path = fmt::format("{}[{}]", key, i);
    if (item.kind != JsonKind::map) {
      refuse_kind(key, visit().path + path, item, "a map");
      continue;
    }
    children.push_back(child(key, path, &item));
  }
  return children;
}

void JsonFields::allow(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) take(key);
}

void JsonFields::finish() {
  for (std::size_t i = 0; i < line_->visits.size(); ++i) {
    JsonFields here(line_, i);
    Visit& read = here.visit();
    if (read.value == nullptr) continue;
    for (const JsonValue& member : read.value->members) {
      if (member.is_used) continue;
      const spec::WordSet words(read.asked.begin(), read.asked.end());
      const auto nearest = spec::nearest_word(member.key, words);
      if (nearest) std::erase(read.missing, *nearest);
      here.report(
          member.key, read.path + shortened(member.key),
          nearest ? fmt::format("unknown key; did you mean '{}'?", *nearest) : "unknown key");
    }
  }
  finish_missing();
}

void JsonFields::finish_missing() {
  for (std::size_t i = 0; i < line_->visits.size(); ++i) {
    JsonFields here(line_, i);
    Visit& read = here.visit();
    const std::vector<std::string> missing = std::move(read.missing);
    read.missing.clear();
    for (const std::string& key : missing) here.report(key, read.path + key, "missing key");
  }
}

bool JsonFields::is_well() const { return line_->is_well; }

int JsonFields::line() const { return line_->number; }

std::optional<JsonFields> read_json_line(const spec::Origin& origin, int line,
                                         spec::Diagnostics& diagnostics) {
  auto parsed = parse_json(origin.line(line));
  if (const auto* problem = std::get_if<JsonProblem>(&parsed)) {
    diagnostics.add(origin, {.line = line, .column = static_cast<int>(problem->byte) + 1}, "",
                    problem->message, problem->hint);
    return std::nullopt;
  }
  auto shared = std::make_shared<JsonFields::Line>(
      JsonFields::Line{.origin = origin, .number = line, .diagnostics = diagnostics});
  shared->root = std::move(std::get<JsonValue>(parsed));
  if (shared->root.kind != JsonKind::map) {
    diagnostics.add(origin, {.line = line, .column = 1}, "",
                    fmt::format("{} not a record", what_it_is(shared->root)),
                    R"(each line is a map, such as {"record": "point", ...})");
    return std::nullopt;
  }
  JsonValue* root = &shared->root;
  shared->visits.push_back({.value = root});
  return JsonFields(std::move(shared), 0);
}

}  // namespace planewise::calibration
