#include "spec/tree_builder.h"

#include <fmt/format.h>
#include <yaml-cpp/mark.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace planewise::spec {
namespace {

Position position_of(const YAML::Mark& mark) {
  return {.line = mark.line + 1, .column = mark.column + 1};
}

bool is_written_null(std::string_view text) {
  return text.starts_with('~') || text.starts_with("null") || text.starts_with("Null") ||
         text.starts_with("NULL");
}

std::string_view without_comment(std::string_view line) {
  if (line.starts_with('#')) return {};
  const std::size_t comment = std::min(line.find(" #"), line.find("\t#"));
  return line.substr(0, comment);
}

}  // namespace

void TreeBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (++documents_ == 1) return;
  const Position at = position_of(mark);
  const bool is_marked = document_.origin.line(at.line).starts_with("---");
  throw ParsingStopped(at, is_marked
                               ? "a second YAML document starts here; a file holds one"
                               : "this is outside the map or list above; check its indentation");
}

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  add_leaf({.kind = NodeKind::null, .at = position_of(mark)}, anchor);
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  // yaml-cpp tags plain scalars "?" and quoted ones "!"; an empty plain value is a null.
  const bool is_quoted = tag == "!";
  check_tag(mark, tag);
  add_leaf({.kind = value.empty() && !is_quoted ? NodeKind::null : NodeKind::scalar,
            .at = position_of(mark),
            .text = value,
            .quoted = is_quoted},
           anchor);
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const Position at = position_of(mark);
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end() || open_nodes_.contains(found->second)) {
    throw ParsingStopped(at, "an alias inside the value that it names");
  }
  attach(found->second, at);
}

void TreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                                  YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  check_tag(mark, tag);
  open({.kind = NodeKind::sequence, .at = position_of(mark)}, anchor);
}

void TreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value /*style*/) {
  check_tag(mark, tag);
  open({.kind = NodeKind::map, .at = position_of(mark)}, anchor);
}

/// The path of what comes next, such as `nodes.count` or `operators[2].points`.
std::string TreeBuilder::path() const {
  std::string out;
  for (const Level& level : levels_) {
    const Node& open_node = document_.nodes[static_cast<std::size_t>(level.node)];
    if (open_node.kind == NodeKind::sequence) {
      out += fmt::format("[{}]", open_node.items.size());
    } else if (level.pending) {
      out += (out.empty() ? "" : ".") + shortened(level.pending->key);
    }
  }
  return out;
}

void TreeBuilder::error(Position at, const std::string& message, const std::string& hint) {
  diagnostics_.add(document_.origin, at, path(), message, hint);
}

void TreeBuilder::check_tag(const YAML::Mark& mark, const std::string& tag) {
  const bool is_plain = tag.empty() || tag == "?" || tag == "!";
  if (is_plain) return;
  constexpr std::string_view kStandard = "tag:yaml.org,2002:";
  const std::string written =
      tag.starts_with(kStandard) ? "!!" + tag.substr(kStandard.size()) : tag;
  error(position_of(mark), fmt::format("tag {} means nothing here", in_quotes(written)),
        "remove it");
}

/// Where a value that is not written belongs: yaml-cpp gives the place of what comes `next`.
Position TreeBuilder::place_of_nothing(Position next) const {
  const std::string_view line = document_.origin.line(next.line);
  const auto column = std::min(static_cast<std::size_t>(next.column - 1), line.size());
  if (is_written_null(line.substr(column))) return next;
  std::string_view before = line.substr(0, column);
  for (int number = next.line; number >= 1; before = document_.origin.line(--number)) {
    const std::string_view text = number == next.line ? before : without_comment(before);
    const std::size_t last = text.find_last_not_of(" \t");
    if (last != std::string_view::npos) {
      return {.line = number, .column = static_cast<int>(last) + 1};
    }
  }
  return next;
}

int TreeBuilder::add(Node new_node, YAML::anchor_t anchor) {
  const int index = static_cast<int>(document_.nodes.size());
  document_.nodes.push_back(std::move(new_node));
  if (anchor != 0) anchors_[anchor] = index;
  return index;
}

void TreeBuilder::add_leaf(Node leaf, YAML::anchor_t anchor) {
  const bool in_list = !levels_.empty() && node(levels_.back().node).kind == NodeKind::sequence;
  if (leaf.kind == NodeKind::null && in_list) leaf.at = place_of_nothing(leaf.at);
  const bool is_value = !levels_.empty() && levels_.back().pending.has_value();
  if (leaf.kind == NodeKind::null && is_value) leaf.at = levels_.back().pending->at;
  const Position at = leaf.at;
  attach(add(std::move(leaf), anchor), at);
}

void TreeBuilder::open(Node new_node, YAML::anchor_t anchor) {
  if (levels_.size() >= kMaxDepth) {
    throw ParsingStopped(new_node.at, fmt::format("nested deeper than {} levels", kMaxDepth));
  }
  const int index = add(std::move(new_node), anchor);
  open_nodes_.insert(index);
  levels_.push_back({.node = index});
}

void TreeBuilder::close() {
  const int index = levels_.back().node;
  levels_.pop_back();
  open_nodes_.erase(index);
  attach(index, node(index).at);
}

/// Hangs a complete value under the innermost open sequence or map.
void TreeBuilder::attach(int index, Position at) {
  if (levels_.empty()) {
    document_.root = index;
    return;
  }
  Level& level = levels_.back();
  const std::size_t expanded = node(index).expanded;
  Node& parent = node(level.node);
  parent.expanded += expanded;
  if (parent.expanded > kMaxValues) {
    throw ParsingStopped(at, fmt::format("more than {} values, aliases written out", kMaxValues));
  }
  if (parent.kind == NodeKind::sequence) {
    parent.items.push_back(index);
  } else if (!level.pending) {
    start_entry(level, index, at);
  } else {
    level.pending->node = index;
    if (!level.drop) parent.entries.push_back(std::move(*level.pending));
    level.pending.reset();
  }
}

void TreeBuilder::start_entry(Level& level, int key_index, Position at) {
  const Node& key = node(key_index);
  level.pending = MapEntry{.key = key.text, .at = at};
  level.drop = true;
  if (key.kind != NodeKind::scalar || key.text.empty()) {
    level.pending->key = "?";
    error(at, "a key must be plain text", "");
    return;
  }
  const auto [first, is_new] = level.key_lines.emplace(key.text, at.line);
  level.drop = !is_new;
  if (!is_new) {
    error(at, fmt::format("duplicate key; the first is on line {}", first->second),
          "keep one of the two");
  }
}

}  // namespace planewise::spec
