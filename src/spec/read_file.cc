#include "spec/read_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/text.h"

namespace planewise::spec {
namespace {

constexpr std::string_view kVersion = "1";

const Node& root_of(const Document& document) {
  return document.nodes[static_cast<std::size_t>(document.root)];
}

const MapEntry* find_key(const Document& document, std::string_view key) {
  for (const MapEntry& entry : root_of(document).entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string first_lines() {
  std::string out;
  for (const FileKind& kind : kFileKinds) {
    out += out.empty() ? "" : &kind == &kFileKinds.back() ? " or " : ", ";
    out += fmt::format("'{}: {}'", kind.key, kVersion);
  }
  return out;
}

/// Reports that no key says what the file is; at the key that nearly does, if there is one.
void report_no_kind(const Document& document, Diagnostics& diagnostics) {
  WordSet keys;
  for (const FileKind& kind : kFileKinds) keys.emplace(kind.key);
  for (const MapEntry& entry : root_of(document).entries) {
    if (const auto nearest = nearest_word(entry.key, keys)) {
      diagnostics.add(document.origin, entry.at, shortened(entry.key),
                      fmt::format("unknown key; did you mean '{}'?", *nearest));
      return;
    }
  }
  diagnostics.add(document.origin, root_of(document).at, "",
                  "the file does not say what it describes", "start it with " + first_lines());
}

/// The number that the decimal digits of `text` say; empty if there are others than digits.
std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + static_cast<unsigned>(c - '0');
  }
  return value;
}

/// Whether `text` is a day of the calendar, such as 2025-05-14.
bool is_iso_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(5, 2));
  const auto day = digits(text.substr(8, 2));
  if (!year || !month || !day) return false;
  return std::chrono::year_month_day{std::chrono::year(static_cast<int>(*year)),
                                     std::chrono::month(*month), std::chrono::day(*day)}
      .ok();
}

}  // namespace

const FileKind* file_kind(const Document& document, Diagnostics& diagnostics) {
  if (document.root < 0) return nullptr;
  if (root_of(document).kind != NodeKind::map) {
    Reading reading(document, diagnostics);
    MapReader root(reading);  // reports what the file is instead
    return nullptr;
  }
  for (const FileKind& kind : kFileKinds) {
    if (find_key(document, kind.key) != nullptr) return &kind;
  }
  report_no_kind(document, diagnostics);
  return nullptr;
}

bool is_readable_as(const FileKind& wanted, const Document& document, Diagnostics& diagnostics) {
  const FileKind* kind = file_kind(document, diagnostics);
  if (kind == nullptr) return false;
  const MapEntry& key = *find_key(document, kind->key);
  if (kind->key != wanted.key) {
    diagnostics.add(document.origin, key.at, std::string(kind->key),
                    fmt::format("this file is a {}, but a {} is wanted", kind->name, wanted.name));
    return false;
  }
  const Node& version = document.nodes[static_cast<std::size_t>(key.node)];
  const bool is_known = version.kind == NodeKind::scalar && version.text == kVersion;
  if (!is_known) {
    diagnostics.add(document.origin, version.at, std::string(kind->key),
                    "not a version that this planewise reads", fmt::format("write {}", kVersion));
  }
  return is_known;
}

Evidence read_evidence(MapReader& map, std::string_view key) {
  return map.choice<Evidence>(key, {{"measured", Evidence::measured},
                                    {"published", Evidence::published},
                                    {"fitted", Evidence::fitted},
                                    {"estimated", Evidence::estimated}});
}

Evidence read_part_evidence(MapReader& map, std::string_view key) {
  return map.choice<Evidence>(key, {{"measured", Evidence::measured},
                                    {"published", Evidence::published},
                                    {"fitted", Evidence::fitted},
                                    {"quoted", Evidence::quoted},
                                    {"secondary", Evidence::secondary},
                                    {"recalled", Evidence::recalled},
                                    {"estimated", Evidence::estimated}});
}

std::string read_date(MapReader& map, std::string_view key) {
  const std::string date = map.text(key);
  if (map.read_well({key}) && !is_iso_date(date)) {
    map.error(key, "not a day of the calendar", "write year-month-day: 2025-05-14");
  }
  return date;
}

void check_powers(MapReader& map, Watts typical, Watts maximum) {
  if (!map.read_well({"power_typical", "power_maximum"}) || typical <= maximum) return;
  map.error("power_maximum",
            fmt::format("{} W is below power_typical, {} W", maximum.base(), typical.base()));
}

void UniqueNames::check(MapReader& map, std::string_view key, const std::string& name,
                        const std::string& place) {
  if (!map.read_well({key})) return;
  const auto [first, is_new] = place_of_.emplace(name, place);
  if (is_new) return;
  map.error(key, fmt::format("{} is the {} of {} too", in_quotes(name), key, first->second));
}

}  // namespace planewise::spec
