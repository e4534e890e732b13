// JSON as text, in the order in which it is written.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"

namespace planewise::calibration {

/// A map of JSON, written member after member.
class JsonText {
 public:
  explicit JsonText(char open) { text_ += open; }

  JsonText& name(std::string_view key) {
    if (text_.size() > 1) text_ += ',';
    add_text(key);
    text_ += ':';
    return *this;
  }
  JsonText& text(std::string_view key, std::string_view value) {
    name(key).add_text(value);
    return *this;
  }
  /// Left out if empty.
  JsonText& known_text(std::string_view key, std::string_view value) {
    return value.empty() ? *this : text(key, value);
  }
  JsonText& number(std::string_view key, double value) {
    name(key).add_number(value);
    return *this;
  }
  JsonText& known_number(std::string_view key, double value) {
    return value == 0 ? *this : number(key, value);
  }
  JsonText& whole(std::string_view key, std::int64_t value) {
    name(key);
    fmt::format_to(std::back_inserter(text_), "{}", value);
    return *this;
  }
  JsonText& known_whole(std::string_view key, std::int64_t value) {
    return value == 0 ? *this : whole(key, value);
  }
  JsonText& raw(std::string_view key, const std::string& json) {
    name(key);
    text_ += json;
    return *this;
  }
  JsonText& texts(std::string_view key, const std::vector<std::string>& values) {
    name(key);
    text_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) text_ += ',';
      add_text(values[i]);
    }
    text_ += ']';
    return *this;
  }
  JsonText& wholes(std::string_view key, const std::vector<int>& values) {
    name(key);
    text_ += fmt::format("[{}]", fmt::join(values, ","));
    return *this;
  }
  JsonText& microseconds_list(std::string_view key, const std::vector<Seconds>& times) {
    name(key);
    text_ += '[';
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (i > 0) text_ += ',';
      // No clock tells more than nine digits.
      fmt::format_to(std::back_inserter(text_), "{:.9g}", times[i].in(microseconds(1)));
    }
    text_ += ']';
    return *this;
  }
  std::string close(std::string_view end) { return std::move(text_.append(end)); }

 private:
  void add_text(std::string_view value) {
    text_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        fmt::format_to(std::back_inserter(text_), "\\u{:04x}", static_cast<unsigned>(c));
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }
  void add_number(double value) {
    if (std::isfinite(value)) {
      fmt::format_to(std::back_inserter(text_), "{}", value);
    } else {
      add_text(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    }
  }

  std::string text_{};
};

}  // namespace planewise::calibration
