#include "spec/yaml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "base/text.h"

namespace planewise::spec {
namespace {

/// `'8 GB' is`, `is a list,`: what a value of the wrong kind is; "not a whole number" follows.
std::string what_it_is(const Node& node) {
  switch (node.kind) {
    case NodeKind::null:
      return "is empty,";
    case NodeKind::scalar:
      return in_quotes(node.text) + " is";
    case NodeKind::sequence:
      return "is a list,";
    case NodeKind::map:
      return "is a map,";
  }
  PW_UNREACHABLE("NodeKind has four values");
}

/// `'a', 'b' or 'c'`.
std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += "'" + std::string(words[i]) + "'";
  }
  return out;
}

/// How to write the whole number that `text` seems to mean; empty if there is none.
std::string whole_number_hint(const std::string& text) {
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  if (digits && text.size() > 1 && text[0] == '0') {
    return "drop the leading zero: some readers take 010 for 8";
  }
  std::string plain;
  std::copy_if(text.begin(), text.end(), std::back_inserter(plain),
               [](char c) { return c != '_' && c != ','; });
  constexpr double kMostHinted = 1e15;  // Below 2^53, so exact.
  double value = 0;
  std::int64_t hexadecimal = 0;
  const char* end = plain.data() + plain.size();
  if (plain.starts_with("0x") &&
      std::from_chars(plain.data() + 2, end, hexadecimal, 16).ptr == end) {
    return fmt::format("write {}", hexadecimal);
  }
  const bool is_whole = parse_number(plain, value) && std::trunc(value) == value;
  if (!is_whole || std::abs(value) > kMostHinted) return "";
  return fmt::format("write {}", static_cast<std::int64_t>(value));
}

constexpr const char* kNoQuotes = "leave out the quotes";

/// What planewise can count with. Far beyond any machine, and far from where sums of such values
/// would leave the range of a double or of 63 bits.
struct DimensionLimits {
  Dimension dimension;
  double least;  ///< Of what is not 0.
  double most;
  std::string_view words;
};
constexpr std::array kLimits = {
    DimensionLimits{Bytes::dimension, 0.125, 1e18, "from 1 b to 1000000 TB"},
    DimensionLimits{Rate::dimension, 1e3, 1e16, "from 1 kB/s to 10000 TB/s"},
    DimensionLimits{Seconds::dimension, 1e-12, 3.6e9, "from 0.001 ns to 1000000 h"},
    DimensionLimits{Usd::dimension, 1e-6, 1e12, "from 0.000001 to 1000000000000 USD"},
    DimensionLimits{Watts::dimension, 1e-6, 1e12, "from 0.000001 to 1000000000000 W"},
    DimensionLimits{Metres::dimension, 1e-6, 1e9, "from 0.000001 to 1000000000 m"},
    DimensionLimits{FlopRate::dimension, 1e6, 1e24, "from 0.000001 to 1000000000000 TFLOPS"},
};

const DimensionLimits& limits_of(Dimension dimension) {
  for (const DimensionLimits& limits : kLimits) {
    if (limits.dimension == dimension) return limits;
  }
  PW_UNREACHABLE("a dimension that no YAML unit has");
}

}  // namespace

void Reading::finish() {
  for (Visit& visit : visits_) {
    const auto report = [&](Position at, const std::string& key, const std::string& message) {
      diagnostics_.add(document_.origin, at, visit.path.empty() ? key : visit.path + "." + key,
                       message);
    };
    WordSet absent = visit.asked;
    for (const MapEntry& entry : node(visit.node).entries) absent.erase(entry.key);
    for (const MapEntry& entry : node(visit.node).entries) {
      if (visit.asked.contains(entry.key)) continue;
      const auto nearest = nearest_word(entry.key, absent);
      if (nearest) visit.missing.erase(*nearest);
      report(entry.at, shortened(entry.key),
             nearest ? fmt::format("unknown key; did you mean '{}'?", *nearest) : "unknown key");
    }
    for (const std::string& key : visit.missing) report(visit.at, key, "missing key");
  }
}

MapReader::MapReader(Reading& reading) : reading_(&reading) {
  const int root = reading.document_.root;
  if (root < 0) return;
  const Node& map = reading.node(root);
  if (map.kind == NodeKind::map) {
    *this = MapReader(&reading, {.node = root, .at = map.at});
  } else {
    reading.diagnostics_.add(
        reading.document_.origin, map.at, "",
        fmt::format("the file {} not a map of keys and values", what_it_is(map)));
  }
}

MapReader::MapReader(Reading* reading, Reading::Visit visit)
    : reading_(reading), visit_(static_cast<int>(reading->visits_.size())) {
  reading->visits_.push_back(std::move(visit));
}

std::string MapReader::path_of(std::string_view key) const {
  const std::string& path = visit().path;
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

void MapReader::refuse(const Value& value, const std::string& message, const std::string& hint) {
  visit().refused.emplace(value.key);
  reading_->diagnostics_.add(reading_->document_.origin, value.node->at, value.path, message, hint);
}

void MapReader::refuse_kind(const Value& value, std::string_view what, const std::string& hint) {
  refuse(value, fmt::format("{} not {}", what_it_is(*value.node), what), hint);
}

const MapEntry* MapReader::find(std::string_view key) {
  if (!is_map()) return nullptr;
  visit().asked.emplace(key);
  for (const MapEntry& entry : reading_->node(visit().node).entries) {
    if (entry.key != key) continue;
    reading_->document_.origin.positions.emplace(path_of(key), reading_->node(entry.node).at);
    return &entry;
  }
  return nullptr;
}

const MapEntry* MapReader::require(std::string_view key) {
  const MapEntry* entry = find(key);
  if (entry == nullptr && is_map()) visit().missing.emplace(key);
  return entry;
}

std::optional<MapReader::Value> MapReader::require_value(std::string_view key) {
  const MapEntry* entry = require(key);
  if (entry == nullptr) return std::nullopt;
  return Value{.node = &reading_->node(entry->node), .key = key, .path = path_of(key)};
}

std::optional<MapReader::Value> MapReader::require_scalar(std::string_view key,
                                                          std::string_view what) {
  const auto value = require_value(key);
  if (!value || value->node->kind == NodeKind::scalar) return value;
  refuse_kind(*value, what);
  return std::nullopt;
}

std::optional<std::vector<MapReader::Value>> MapReader::require_list(std::string_view key,
                                                                     std::string_view what,
                                                                     std::string_view hint) {
  const auto list = require_value(key);
  if (!list) return std::nullopt;
  if (list->node->kind != NodeKind::sequence) {
    refuse_kind(*list, what, std::string(hint));
    return std::nullopt;
  }
  std::vector<Value> values;
  for (const int item : list->node->items) {
    const std::string path = fmt::format("{}[{}]", list->path, values.size());
    values.push_back({.node = &reading_->node(item), .key = key, .path = path});
  }
  return values;
}

bool MapReader::has(std::string_view key) { return find(key) != nullptr; }

bool MapReader::read_well(std::initializer_list<std::string_view> keys) const {
  if (!is_map()) return false;
  return std::none_of(keys.begin(), keys.end(), [&](std::string_view key) {
    return visit().missing.contains(key) || visit().refused.contains(key);
  });
}

void MapReader::not_used(std::initializer_list<std::string_view> keys, const std::string& message) {
  for (const std::string_view key : keys) {
    if (has(key)) error(key, message, "remove it");
  }
}

void MapReader::allow(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) find(key);
}

void MapReader::error(std::string_view key, const std::string& message, const std::string& hint) {
  if (!is_map()) return;
  const MapEntry* entry = find(key);
  visit().refused.emplace(key);
  reading_->diagnostics_.add(reading_->document_.origin,
                             entry == nullptr ? visit().at : reading_->node(entry->node).at,
                             path_of(key), message, hint);
}

std::optional<std::int64_t> MapReader::whole_number(const Value& value, IntegerRange range) {
  const std::string& text = value.node->text;
  double as_number = 0;
  const bool is_number = value.node->kind == NodeKind::scalar && parse_number(text, as_number);
  if (is_number && value.node->quoted) {
    refuse(value, "is a text in quotes, not a whole number", kNoQuotes);
    return std::nullopt;
  }
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = is_number && end == text.data() + text.size();
  if (!is_whole) {
    refuse_kind(value, "a whole number", whole_number_hint(text));
    return std::nullopt;
  }
  const bool too_long = failure == std::errc::result_out_of_range;
  if (too_long ? as_number < 0 : number < range.min) {
    refuse(value, fmt::format("{} is too small; the least is {}", shortened(text), range.min));
    return std::nullopt;
  }
  if (too_long || number > range.max) {
    refuse(value, fmt::format("{} is too large; the most is {}", shortened(text), range.max));
    return std::nullopt;
  }
  return number;
}

std::int64_t MapReader::integer(std::string_view key, IntegerRange range) {
  const std::int64_t harmless = std::clamp<std::int64_t>(1, range.min, range.max);
  const auto value = require_value(key);
  return value ? whole_number(*value, range).value_or(harmless) : harmless;
}

int MapReader::small_integer(std::string_view key, IntegerRange range) {
  range.min = std::max<std::int64_t>(range.min, std::numeric_limits<int>::min());
  range.max = std::min<std::int64_t>(range.max, std::numeric_limits<int>::max());
  return static_cast<int>(integer(key, range));
}

double MapReader::number(std::string_view key, NumberRange range) {
  const double harmless = std::clamp(1.0, range.min, range.max);
  const auto value = require_scalar(key, "a plain number");
  if (!value) return harmless;
  const std::string& text = value->node->text;
  double number = 0;
  if (!parse_number(text, number)) {
    const auto parsed = parse_quantity(text);
    const auto* quantity = std::get_if<TextQuantity>(&parsed);
    if (quantity == nullptr || !(quantity->dimension == Dimension{})) {
      refuse_kind(*value, "a plain number");
      return harmless;
    }
    number = quantity->base;
  }
  if (value->node->quoted) {
    refuse(*value, "is a text in quotes, not a plain number", kNoQuotes);
    return harmless;
  }
  if (number < range.min || number > range.max) {
    refuse(*value, fmt::format("{} is out of range; it must be from {} to {}", shortened(text),
                               range.min, range.max));
    return harmless;
  }
  return number;
}

bool MapReader::boolean(std::string_view key) {
  const auto value = require_scalar(key, "true or false");
  if (!value) return false;
  const Node& node = *value->node;
  const bool is_true = node.text == "true";
  if (!is_true && node.text != "false") {
    refuse_kind(*value, "true or false");
  } else if (node.quoted) {
    refuse(*value, "is a text in quotes, not true or false", kNoQuotes);
  }
  return is_true && !node.quoted;
}

std::optional<std::string> MapReader::line_of_text(const Value& value) {
  const std::string& text = value.node->text;
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    refuse(value, "is empty", "write a text");
    return std::nullopt;
  }
  if (printable(text) != text) {
    refuse(value, fmt::format("{} has a line break or another control character", in_quotes(text)),
           "write it on one line; a long text folds after '>-'");
    return std::nullopt;
  }
  return text;
}

std::string MapReader::text(std::string_view key) {
  const auto value = require_scalar(key, "a text");
  return value ? line_of_text(*value).value_or("") : "";
}

std::vector<std::string> MapReader::texts(std::string_view key) {
  const auto list = require_list(key, "a list of texts", "write [a, b, c]");
  std::vector<std::string> texts;
  for (const Value& value : list.value_or(std::vector<Value>{})) {
    reading_->document_.origin.positions.emplace(value.path, value.node->at);
    if (value.node->kind == NodeKind::scalar) {
      texts.push_back(line_of_text(value).value_or(""));
    } else {
      refuse_kind(value, "a text");
    }
  }
  return texts;
}

std::map<std::string, std::string> MapReader::texts_by_key(std::string_view key) {
  std::map<std::string, std::string> texts;
  const auto map = require_value(key);
  if (!map) return texts;
  if (map->node->kind != NodeKind::map) {
    refuse_kind(*map, "a map of texts", "write {name: text}");
    return texts;
  }
  for (const MapEntry& entry : map->node->entries) {
    const Value value{.node = &reading_->node(entry.node),
                      .key = key,
                      .path = fmt::format("{}.{}", map->path, shortened(entry.key))};
    if (value.node->kind == NodeKind::scalar) {
      texts.emplace(entry.key, line_of_text(value).value_or(""));
    } else {
      refuse_kind(value, "a text");
    }
  }
  return texts;
}

std::string MapReader::file(std::string_view key) {
  const auto value = require_scalar(key, "the path of a file");
  if (!value) return "";
  const auto name = line_of_text(*value);
  if (!name) return "";
  const std::filesystem::path folder =
      std::filesystem::path(reading_->document_.origin.path).parent_path();
  const std::string path = (folder / *name).lexically_normal().string();
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (std::filesystem::is_regular_file(status)) return path;
  if (std::filesystem::is_directory(status)) {
    refuse(*value, in_quotes(path) + " is a folder, not a file");
  } else {
    refuse(*value, "no such file: " + in_quotes(path),
           "a path starts from the folder of the file that names it");
  }
  return "";
}

std::vector<std::int64_t> MapReader::integers(std::string_view key, IntegerRange range) {
  const auto list = require_list(key, "a list of whole numbers", "write [1, 2, 3]");
  std::vector<std::int64_t> numbers;
  for (const Value& value : list.value_or(std::vector<Value>{})) {
    const std::int64_t harmless = std::clamp<std::int64_t>(1, range.min, range.max);
    numbers.push_back(whole_number(value, range).value_or(harmless));
  }
  return numbers;
}

MapReader MapReader::map(std::string_view key) {
  MapReader none = *this;
  none.visit_ = -1;
  const MapEntry* entry = require(key);
  if (entry == nullptr) return none;
  const Value value{.node = &reading_->node(entry->node), .key = key, .path = path_of(key)};
  if (value.node->kind != NodeKind::map) {
    refuse_kind(value, "a map of keys and values");
    return none;
  }
  return {reading_, {.node = entry->node, .path = value.path, .at = entry->at}};
}

std::vector<MapReader> MapReader::maps(std::string_view key) {
  const auto list = require_list(key, "a list of maps", "start each one with '- '");
  std::vector<MapReader> readers;
  for (const Value& value : list.value_or(std::vector<Value>{})) {
    reading_->document_.origin.positions.emplace(value.path, value.node->at);
    if (value.node->kind != NodeKind::map) {
      refuse_kind(value, "a map of keys and values");
      continue;
    }
    const auto index = static_cast<int>(value.node - reading_->document_.nodes.data());
    readers.push_back({reading_, {.node = index, .path = value.path, .at = value.node->at}});
  }
  return readers;
}

std::optional<double> MapReader::base_of(const Value& value, Dimension dimension, Sign sign) {
  const std::string& text = value.node->text;
  const auto parsed = parse_quantity(text);
  const std::string hint = fmt::format("write {}", dimension_example(dimension));
  if (const auto* problem = std::get_if<TextProblem>(&parsed)) {
    refuse(value, problem->message, hint);
    return std::nullopt;
  }
  const TextQuantity& quantity = std::get<TextQuantity>(parsed);
  if (!(quantity.dimension == dimension)) {
    refuse(value,
           fmt::format("{} is {}, not {}", in_quotes(text), dimension_name(quantity.dimension),
                       dimension_name(dimension)),
           hint);
    return std::nullopt;
  }
  if (quantity.base == 0 && sign == Sign::not_negative) return 0;
  if (quantity.base <= 0) {
    refuse(value, fmt::format("{} must be {}", in_quotes(text),
                              sign == Sign::positive ? "more than 0" : "0 or more"));
    return std::nullopt;
  }
  const DimensionLimits& limits = limits_of(dimension);
  if (quantity.base < limits.least || quantity.base > limits.most) {
    refuse(value, fmt::format("{} is out of range; {} may be {}", in_quotes(text),
                              dimension_name(dimension), limits.words));
    return std::nullopt;
  }
  return quantity.base;
}

double MapReader::quantity_base(std::string_view key, Dimension dimension, Sign sign) {
  const DimensionLimits& limits = limits_of(dimension);
  const double harmless = std::clamp(1.0, limits.least, limits.most);
  const auto value = require_scalar(key, dimension_name(dimension));
  return value ? base_of(*value, dimension, sign).value_or(harmless) : harmless;
}

PrintedValue MapReader::printed(std::string_view key, Dimension dimension) {
  const PrintedValue harmless{.base = 1, .dimension = dimension};
  const auto value = require_scalar(key, dimension_name(dimension));
  if (!value) return harmless;
  const std::string& text = value->node->text;
  const auto parsed = parse_printed(text);
  const std::string hint = fmt::format("write {}", dimension_example(dimension));
  if (const auto* problem = std::get_if<TextProblem>(&parsed)) {
    refuse(*value, problem->message, hint);
    return harmless;
  }
  const PrintedValue& printed = std::get<PrintedValue>(parsed);
  if (!(printed.dimension == dimension)) {
    refuse(*value,
           fmt::format("{} is {}, not {}", in_quotes(text), dimension_name(printed.dimension),
                       dimension_name(dimension)),
           hint);
    return harmless;
  }
  if (value->node->quoted) {
    refuse(*value, fmt::format("is a text in quotes, not {}", dimension_name(dimension)),
           kNoQuotes);
    return harmless;
  }
  if (printed.base <= 0) {
    refuse(*value, fmt::format("{} must be more than 0", in_quotes(text)));
    return harmless;
  }
  return printed;
}

std::vector<double> MapReader::quantity_bases(std::string_view key, Dimension dimension,
                                              Sign sign) {
  const auto list =
      require_list(key, "a list of quantities",
                   fmt::format("write [...] around {}", dimension_example(dimension)));
  std::vector<double> bases;
  for (const Value& value : list.value_or(std::vector<Value>{})) {
    if (value.node->kind != NodeKind::scalar) {
      refuse_kind(value, dimension_name(dimension));
    } else if (const auto base = base_of(value, dimension, sign)) {
      bases.push_back(*base);
    }
  }
  return bases;
}

std::size_t MapReader::choice_index(std::string_view key,
                                    const std::vector<std::string_view>& words) {
  const auto value = require_scalar(key, joined(words));
  if (!value) return 0;
  const std::string& text = value->node->text;
  const auto found = std::find(words.begin(), words.end(), text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const auto nearest = nearest_word(text, {words.begin(), words.end()});
  refuse(*value,
         fmt::format("unknown value {}{}", in_quotes(text),
                     nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""),
         fmt::format("write {}", joined(words)));
  return 0;
}

}  // namespace planewise::spec
