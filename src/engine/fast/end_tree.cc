#include "engine/fast/end_tree.h"

#include <algorithm>

namespace planewise::engine {
namespace {

constexpr std::size_t kWidth = 8;

Seconds winner_of(const std::vector<Seconds>& level, std::size_t match) {
  const Seconds* const first = &level[match * kWidth];
  const Seconds a = std::min(std::min(first[0], first[1]), std::min(first[2], first[3]));
  const Seconds b = std::min(std::min(first[4], first[5]), std::min(first[6], first[7]));
  return std::min(a, b);
}

}  // namespace

void EndTree::make_room(std::size_t link_count) {
  if (!levels_.empty() && link_count <= levels_.front().size()) return;
  std::vector<Seconds> times;
  if (!levels_.empty()) times = std::move(levels_.front());
  times.resize((std::max<std::size_t>(link_count, 1) + kWidth - 1) / kWidth * kWidth, kNever);
  levels_.clear();
  levels_.push_back(std::move(times));
  while (levels_.back().size() > 1) {
    const std::size_t matches = levels_.back().size() / kWidth;
    const std::size_t size = matches == 1 ? 1 : (matches + kWidth - 1) / kWidth * kWidth;
    levels_.emplace_back(size, kNever);
  }
  set_all({}, {});
}

void EndTree::set(LinkId link, Seconds time) {
  auto place = static_cast<std::size_t>(link);
  levels_.front()[place] = time;
  for (std::size_t level = 1; level < levels_.size(); ++level) {
    place /= kWidth;
    const Seconds winner = winner_of(levels_[level - 1], place);
    if (levels_[level][place] == winner) return;
    levels_[level][place] = winner;
  }
}

void EndTree::set_all(std::span<const LinkId> links, std::span<const Seconds> times) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    levels_.front()[static_cast<std::size_t>(links[i])] = times[i];
  }
  for (std::size_t level = 1; level < levels_.size(); ++level) {
    const std::size_t matches = levels_[level - 1].size() / kWidth;
    for (std::size_t i = 0; i < matches; ++i) levels_[level][i] = winner_of(levels_[level - 1], i);
  }
}

void EndTree::collect(Seconds limit, std::vector<LinkId>& links) const {
  if (first() <= limit) collect_below(levels_.size() - 1, 0, limit, links);
}

/// Goes down from a place whose time is `limit` or before.
void EndTree::collect_below(std::size_t level, std::size_t place, Seconds limit,
                            std::vector<LinkId>& links) const {
  if (level == 0) {
    links.push_back(static_cast<LinkId>(place));
    return;
  }
  const std::size_t first = place * kWidth;
  for (std::size_t i = first; i < first + kWidth; ++i) {
    if (levels_[level - 1][i] <= limit) collect_below(level - 1, i, limit, links);
  }
}

}  // namespace planewise::engine
