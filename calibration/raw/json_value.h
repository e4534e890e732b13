// A JSON text as values in memory, with the order of its keys kept and a key twice refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace planewise::calibration {

enum class JsonKind : std::uint8_t { null, boolean, number, text, list, map };

struct JsonValue {
  JsonKind kind = JsonKind::null;
  std::string key{};     ///< Of a member of a map.
  bool is_used = false;  ///< For readers: somebody asked for it.
  bool boolean = false;
  bool is_whole = false;   ///< A number without fraction that std::int64_t holds: `whole`.
  std::int64_t whole = 0;  ///< 0 if the number is none.
  double number = 0;
  std::string text{};
  /// Of a list whose items are all numbers; then `items` is empty.
  std::vector<double> numbers{};
  std::vector<JsonValue> items{};
  std::vector<JsonValue> members{};  ///< Of a map, in the order of the text.
};

/// Why a text is no JSON.
struct JsonProblem {
  std::size_t byte = 0;  ///< Of the text, from 0.
  std::string message{};
  std::string hint{};
};

/// Reads all of `text`. Refuses what is no JSON, a key twice in one map, numbers that no double
/// holds, and more than 16 maps and lists within each other.
std::variant<JsonValue, JsonProblem> parse_json(std::string_view text);

/// The byte where the `count`-th `"key"` of `text` that a colon follows begins, from `from` on;
/// npos if there is none.
std::size_t find_json_key(std::string_view text, std::string_view key, std::size_t from = 0,
                          int count = 1);

}  // namespace planewise::calibration
