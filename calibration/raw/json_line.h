// Reading one JSON line of a raw file: typed access to a map that reports every mistake with its
// place, as spec/yaml_reader.h does for YAML.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/raw/json_value.h"
#include "spec/input_error.h"
#include "spec/yaml_reader.h"

namespace planewise::calibration {

/// One map of a line. Every getter reports what is wrong and then returns a harmless value, so that
/// the reading goes on and all mistakes are found. Copies read the same map; nothing more is
/// reported by a reader of a missing map.
class JsonFields {
 public:
  /// Whether the map has `key`; it is a known one from now on.
  bool has(std::string_view key);

  /// The same, for a value that may be a text or something else.
  bool has_text(std::string_view key);

  /// A text that is not empty.
  std::string text(std::string_view key);
  /// The same, or empty if there is none or an empty one.
  std::string optional_text(std::string_view key);
  /// A number. Null, NaN and infinity have a message of their own, as they come out of a program
  /// that divided by zero.
  double number(std::string_view key, spec::NumberRange range = {});
  double optional_number(std::string_view key, spec::NumberRange range = {}, double otherwise = 0);
  /// A number of more than 0.
  double positive(std::string_view key);
  /// A whole number, also as `4096.0`.
  std::int64_t integer(std::string_view key, spec::IntegerRange range = {});
  int small_integer(std::string_view key, spec::IntegerRange range = {});
  int optional_integer(std::string_view key, spec::IntegerRange range = {}, int otherwise = 0);
  bool boolean(std::string_view key);
  /// The index of the word in `words`; 0 if it is none of them.
  std::size_t choice(std::string_view key, const std::vector<std::string>& words);

  /// Numbers of more than 0; the list may not be empty.
  std::vector<double> positives(std::string_view key);
  std::vector<double> numbers(std::string_view key, spec::NumberRange range = {});
  std::vector<std::string> texts(std::string_view key);
  std::map<std::string, std::string> texts_by_key(std::string_view key);
  JsonFields map(std::string_view key);
  std::vector<JsonFields> maps(std::string_view key);

  /// Reports a mistake at `key`, which may be missing.
  void error(std::string_view key, const std::string& message, const std::string& hint = {});
  /// Keys that are known but not read.
  void allow(std::initializer_list<std::string_view> keys);
  /// Reports missing keys, and those that no reader asked for, in this map and in those that were
  /// read within. A missing key that is there misspelt is one mistake, the misspelt one.
  void finish();
  /// Reports missing keys alone.
  void finish_missing();

  /// Whether nothing was reported on this line so far.
  bool is_well() const;
  int line() const;  ///< Of the file, from 1.
  /// The column, in bytes from 1, where the value of `key` begins, or its map if it is missing.
  int column_of(std::string_view key) const;

 private:
  friend std::optional<JsonFields> read_json_line(const spec::Origin& origin, int line,
                                                  spec::Diagnostics& diagnostics);
  struct Line;
  struct Visit;
  JsonFields(std::shared_ptr<Line> line, std::size_t visit)
      : line_(std::move(line)), visit_(visit) {}

  Visit& visit() const;
  JsonValue* take(std::string_view key);
  JsonValue* require(std::string_view key, JsonKind kind, std::string_view what);
  JsonFields child(std::string_view key, std::string_view path, JsonValue* value);
  void refuse_kind(std::string_view key, const std::string& path, const JsonValue& value,
                   std::string_view what);
  void report(std::string_view key, const std::string& path, const std::string& message,
              const std::string& hint = {});
  bool in_range(std::string_view key, const std::string& path, double value,
                spec::NumberRange range);

  std::shared_ptr<Line> line_;
  std::size_t visit_;
};

/// The map on line `line` of `origin`, counted from 1. None, with one mistake reported, if the line
/// is no JSON, has a key twice, or is no map.
std::optional<JsonFields> read_json_line(const spec::Origin& origin, int line,
                                         spec::Diagnostics& diagnostics);

}  // namespace planewise::calibration
