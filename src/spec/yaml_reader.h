// The one way to read YAML: typed access to a map that reports every mistake with its place.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unit_text.h"
#include "base/units.h"
#include "spec/input_error.h"
#include "spec/nearest_word.h"
#include "spec/yaml_document.h"

namespace planewise::spec {

struct IntegerRange {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
struct NumberRange {
  double min = std::numeric_limits<double>::lowest();
  double max = std::numeric_limits<double>::max();
};
enum class Sign : std::uint8_t { positive, not_negative };

/// What is known about a file while it is read. Make one a file; finish() reports what was never
/// asked for, and what was asked for in vain.
class Reading {
 public:
  Reading(Document document, Diagnostics& diagnostics)
      : document_(std::move(document)), diagnostics_(diagnostics) {}

  /// Reports every missing key, and every key that no reader asked for with the nearest that was. A
  /// missing key that is there misspelt is one mistake, the misspelt one.
  void finish();
  /// The file's origin, with the place of every key that was read; empty after this.
  Origin take_origin() { return std::move(document_.origin); }

 private:
  friend class MapReader;
  struct Visit {
    int node = -1;
    std::string path{};
    Position at{};      ///< Where to report what the map lacks.
    WordSet asked{};    ///< Keys that a reader wanted to know about.
    WordSet missing{};  ///< Those that had to be there and were not.
    WordSet refused{};  ///< Those with a mistake.
  };

  const Node& node(int index) const { return document_.nodes[static_cast<std::size_t>(index)]; }

  Document document_;
  Diagnostics& diagnostics_;
  std::vector<Visit> visits_;
};

/// One map of the file. Every getter reports what is wrong and then returns a harmless value, so
/// that the reading goes on and all mistakes are found. A reader of a missing map reports nothing
/// more.
class MapReader {
 public:
  /// The document's root map.
  explicit MapReader(Reading& reading);

  bool is_map() const { return visit_ >= 0; }
  bool has(std::string_view key);
  /// A whole number; `1e3`, `010` and `1.0` are refused.
  std::int64_t integer(std::string_view key, IntegerRange range = {});
  int small_integer(std::string_view key, IntegerRange range = {});
  /// A plain number without a unit, or with `%`.
  double number(std::string_view key, NumberRange range = {});
  bool boolean(std::string_view key);
  /// Text of one line that is not empty.
  std::string text(std::string_view key);
  /// The path of an existing file, named relative to the folder of this one.
  std::string file(std::string_view key);
  std::vector<std::int64_t> integers(std::string_view key, IntegerRange range = {});
  std::vector<std::string> texts(std::string_view key);
  /// A map of texts whose keys are the file's to choose.
  std::map<std::string, std::string> texts_by_key(std::string_view key);
  MapReader map(std::string_view key);
  std::vector<MapReader> maps(std::string_view key);

  /// A quantity such as `400 Gb/s`, of the dimension that Q asks for and within what planewise can
  /// count with.
  template <class Q>
  Q quantity(std::string_view key, Sign sign = Sign::positive) {
    return Q::from_base(quantity_base(key, Q::dimension, sign));
  }
  /// A value that is more than 0, of this dimension or, without one, a plain number or a share in
  /// `%`; with how it is printed.
  PrintedValue printed(std::string_view key, Dimension dimension);
  /// A list of quantities, each as `quantity` reads it.
  template <class Q>
  std::vector<Q> quantities(std::string_view key, Sign sign = Sign::positive) {
    std::vector<Q> out;
    for (const double base : quantity_bases(key, Q::dimension, sign)) {
      out.push_back(Q::from_base(base));
    }
    return out;
  }
  /// One of a list of words.
  template <class E>
  E choice(std::string_view key, std::initializer_list<std::pair<std::string_view, E>> options) {
    std::vector<std::string_view> words;
    for (const auto& option : options) words.push_back(option.first);
    const std::size_t index = choice_index(key, words);
    return (options.begin() + index)->second;
  }

  /// The index of the word in `words`; 0, with a mistake reported, if it is none of them.
  std::size_t word(std::string_view key, const std::vector<std::string>& words) {
    return choice_index(key, {words.begin(), words.end()});
  }

  /// True if these keys were read without a mistake; ask before checking their values against each
  /// other, since one mistake should give one message. An optional key may be absent.
  bool read_well(std::initializer_list<std::string_view> keys) const;
  /// Keys that have no meaning here though they have elsewhere: each that is there is a mistake.
  void not_used(std::initializer_list<std::string_view> keys, const std::string& message);
  /// Keys that may be there, unread: what they mean hangs on another key, which is wrong.
  void allow(std::initializer_list<std::string_view> keys);
  /// Reports a mistake at `key` (or at this map if it is absent).
  void error(std::string_view key, const std::string& message, const std::string& hint = {});

 private:
  /// A value to read: that of `key`, or of an item of its list.
  struct Value {
    const Node* node = nullptr;
    std::string_view key{};
    std::string path{};
  };

  MapReader(Reading* reading, Reading::Visit visit);

  Reading::Visit& visit() const { return reading_->visits_[static_cast<std::size_t>(visit_)]; }
  const MapEntry* find(std::string_view key);     ///< Null if absent; asks for the key.
  const MapEntry* require(std::string_view key);  ///< The same; if absent, the key is missing.
  std::optional<Value> require_value(std::string_view key);
  std::optional<Value> require_scalar(std::string_view key, std::string_view what);
  std::optional<std::vector<Value>> require_list(std::string_view key, std::string_view what,
                                                 std::string_view hint);
  std::optional<std::int64_t> whole_number(const Value& value, IntegerRange range);
  std::optional<std::string> line_of_text(const Value& value);
  std::optional<double> base_of(const Value& value, Dimension dimension, Sign sign);
  double quantity_base(std::string_view key, Dimension dimension, Sign sign);
  std::vector<double> quantity_bases(std::string_view key, Dimension dimension, Sign sign);
  std::size_t choice_index(std::string_view key, const std::vector<std::string_view>& words);
  std::string path_of(std::string_view key) const;
  void refuse(const Value& value, const std::string& message, const std::string& hint = {});
  void refuse_kind(const Value& value, std::string_view what, const std::string& hint = {});

  Reading* reading_ = nullptr;
  int visit_ = -1;  ///< -1: there is no such map, which has been reported.
};

}  // namespace planewise::spec
