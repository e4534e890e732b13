#include "base/text.h"

#include <array>
#include <cstdint>

namespace planewise {
namespace {

constexpr std::size_t kMostShown = 60;

std::uint32_t byte_at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
}

/// The character of `length` bytes at `i`, which is valid UTF-8.
std::uint32_t code_point(std::string_view text, std::size_t i, std::size_t length) {
  const std::uint32_t first = byte_at(text, i);
  if (length == 1) return first;
  std::uint32_t code = first & (0xFFU >> (length + 1));
  for (std::size_t k = 1; k < length; ++k) code = code << 6 | (byte_at(text, i + k) & 0x3FU);
  return code;
}

std::string hexadecimal(std::uint32_t value, int digits) {
  std::string out;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[value >> shift & 0xFU];
  }
  return out;
}

bool steers(std::uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
  const bool line_end = code == 0x2028 || code == 0x2029;
  const bool direction = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
                         code == 0x200E || code == 0x200F || code == 0x061C;
  return control || line_end || direction;
}

std::string escape(std::uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  return code < 0x100 ? "\\x" + hexadecimal(code, 2) : "\\u" + hexadecimal(code, 4);
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t i) {
  struct Form {
    std::uint32_t first_min, first_max, second_min, second_max;
    std::size_t length;
  };
  // The Unicode Standard, table 3-7: well-formed UTF-8 byte sequences.
  constexpr std::array kForms = {
      Form{0xC2, 0xDF, 0x80, 0xBF, 2}, Form{0xE0, 0xE0, 0xA0, 0xBF, 3},
      Form{0xE1, 0xEC, 0x80, 0xBF, 3}, Form{0xED, 0xED, 0x80, 0x9F, 3},
      Form{0xEE, 0xEF, 0x80, 0xBF, 3}, Form{0xF0, 0xF0, 0x90, 0xBF, 4},
      Form{0xF1, 0xF3, 0x80, 0xBF, 4}, Form{0xF4, 0xF4, 0x80, 0x8F, 4},
  };
  if (i >= text.size()) return 0;
  const std::uint32_t first = byte_at(text, i);
  if (first < 0x80) return 1;
  for (const Form& form : kForms) {
    if (first < form.first_min || first > form.first_max) continue;
    const std::uint32_t second = byte_at(text, i + 1);
    if (second < form.second_min || second > form.second_max) return 0;
    for (std::size_t k = 2; k < form.length; ++k) {
      if ((byte_at(text, i + k) & 0xC0U) != 0x80U) return 0;
    }
    return form.length;
  }
  return 0;
}

std::size_t character_count(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++count) {
    const std::size_t length = utf8_length(text, i);
    i += length == 0 ? 1 : length;
  }
  return count;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 0) {
      out += "\\x" + hexadecimal(byte_at(text, i), 2);
      ++i;
      continue;
    }
    const std::uint32_t code = code_point(text, i, length);
    if (steers(code)) {
      out += escape(code);
    } else {
      out += text.substr(i, length);
    }
    i += length;
  }
  return out;
}

std::string shortened(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t count = 0; count < kMostShown && end < text.size(); ++count) {
    const std::size_t length = utf8_length(text, end);
    end += length == 0 ? 1 : length;
  }
  return printable(text.substr(0, end)) + (end < text.size() ? "..." : "");
}

std::string in_quotes(std::string_view text) { return "'" + shortened(text) + "'"; }

}  // namespace planewise
