#include "spec/read_file.h"

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace planewise::spec
