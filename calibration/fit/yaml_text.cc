#include "calibration/fit/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <iterator>

#include "base/check.h"
#include "base/text.h"

namespace planewise::calibration {
namespace {

constexpr int kDigits = 6;

struct SizeUnit {
  Bytes one{};
  std::string_view name;
};

/// Largest first.
constexpr std::array kSizeUnits{SizeUnit{bytes(1e12), "TB"}, SizeUnit{bytes(1e9), "GB"},
                                SizeUnit{bytes(1e6), "MB"}, SizeUnit{bytes(1e3), "kB"}};

/// Words that YAML takes for something else than a text.
bool is_reserved(std::string_view word) {
  constexpr std::array<std::string_view, 9> kReserved = {"true", "false", "null", "yes", "no",
                                                         "on",   "off",   "y",    "n"};
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

}  // namespace

std::string yaml_number(double value) {
  PW_CHECK(std::isfinite(value));
  std::string text = fmt::format("{:.{}g}", value, kDigits);
  if (text.find('e') == std::string::npos) return text;
  const int exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
  if (exponent >= 0) {
    const double unit = std::pow(10, exponent - kDigits + 1);
    return fmt::format("{:.0f}", std::round(value / unit) * unit);
  }
  text = fmt::format("{:.{}f}", value, kDigits - 1 - exponent);
  return text.substr(0, text.find_last_not_of('0') + 1);
}

std::string yaml_value(Seconds time) { return yaml_number(time.in(microseconds(1))) + " us"; }

std::string yaml_value(Rate rate) {
  return yaml_number(rate.in(gigabytes_per_second(1))) + " GB/s";
}

std::string yaml_value(FlopRate rate) { return yaml_number(rate.in(teraflops(1))) + " TFLOPS"; }

std::string yaml_value(Bytes size) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (size >= unit.one) return fmt::format("{} {}", yaml_number(size.in(unit.one)), unit.name);
  }
  return yaml_number(size.in(bytes(1))) + " B";
}

std::string yaml_percent(double share) { return yaml_number(100 * share) + " %"; }

std::string yaml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string yaml_word(std::string_view word) {
  const bool is_plain =
      !word.empty() && std::isalpha(static_cast<unsigned char>(word.front())) != 0 &&
      std::all_of(word.begin(), word.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
      });
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return is_plain && !is_reserved(lower) ? std::string(word) : yaml_text(word);
}

std::string yaml_comment(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += "# " + printable(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace planewise::calibration
