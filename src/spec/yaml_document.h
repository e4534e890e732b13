// A YAML file as a tree whose every key and value knows its place, within bounds on size, depth and
// aliases.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/input_error.h"

namespace planewise::spec {

// Limits that keep a hostile or broken file from costing time or memory.
inline constexpr std::size_t kMaxFileBytes = 4'000'000;  ///< yaml-cpp needs 8 s for 18 MB.
inline constexpr std::size_t kMaxValues = 100'000;       ///< An alias counts as what it names.
inline constexpr std::size_t kMaxDepth = 64;             ///< Maps and lists within each other.

enum class NodeKind : std::uint8_t { null, scalar, sequence, map };

struct MapEntry {
  std::string key{};
  Position at{};
  int node = -1;
};

/// One value. Children are indexes into Document::nodes; an alias is the index of what it names.
/// Columns count bytes.
struct Node {
  NodeKind kind = NodeKind::null;
  Position at{};
  std::string text{};   ///< Scalars.
  bool quoted = false;  ///< Scalars: written in quotes, so never a number or a boolean.
  std::vector<int> items{};
  std::vector<MapEntry> entries{};  ///< Keys are plain text, each there once.
  std::size_t expanded = 1;         ///< Values below and including this one, aliases expanded.
};

struct Document {
  Origin origin;
  std::vector<Node> nodes{};
  int root = -1;  ///< -1 if the file could not be read as YAML at all.
};

/// Reads `path`, a regular file. What is wrong (no such file, too large, binary bytes, syntax, too
/// deep, too many values, duplicate keys, more than one document) goes to `diagnostics`; the root
/// is then -1 or what was read.
Document load_document(const std::string& path, Diagnostics& diagnostics);

/// The same for text in memory; `name` stands for the path.
Document parse_document(const std::string& name, const std::string& text, Diagnostics& diagnostics);

}  // namespace planewise::spec
