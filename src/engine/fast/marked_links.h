// A list of links without doubles, for the inner loops: marking one takes no branch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace planewise::engine {

/// Appends to a MarkedLinks from registers alone; see MarkedLinks::marker().
class Marker {
 public:
  Marker(std::uint16_t* marks, LinkId* end) : marks_(marks), end_(end) {}

  void mark(LinkId link) {
    *end_ = link;  // There is always room for one more; it only stays if the next line says so.
    end_ += marks_[link] == 0 ? 1 : 0;
    marks_[link] |= 1;
  }
  LinkId* end() const { return end_; }

 private:
  std::uint16_t* marks_;  // Not bytes: those may alias anything.
  LinkId* end_;
};

/// Links in the order in which they were first marked.
class MarkedLinks {
 public:
  /// Adds a link that can be marked; links are numbered as they are added.
  void include(LinkId link) { add(link, 0); }
  /// Adds a link that is ignored when marked.
  void exclude(LinkId link) { add(link, 2); }

  void mark(LinkId link) {
    Marker one = marker();
    one.mark(link);
    take(one);
  }
  /// Many marks in a row; give it back to take() before anything else.
  Marker marker() { return {marks_.data(), list_.data() + count_}; }
  void take(const Marker& marker) {
    count_ = static_cast<std::size_t>(marker.end() - list_.data());
  }
  /// Lets a link be marked again, whether it is still in the list or not.
  void unmark(LinkId link) { marks_[static_cast<std::size_t>(link)] = 0; }
  std::span<const LinkId> links() const { return {list_.data(), count_}; }
  bool empty() const { return count_ == 0; }
  /// Empties the list; marks stay.
  void clear() { count_ = 0; }

 private:
  void add(LinkId link, std::uint16_t mark) {
    const auto place = static_cast<std::size_t>(link);
    if (place >= marks_.size()) marks_.resize(place + 1, mark);
    list_.resize(marks_.size() + 1);
  }

  std::vector<std::uint16_t> marks_;  ///< By link; 0 if it is neither marked nor excluded.
  std::vector<LinkId> list_;
  std::size_t count_ = 0;
};

}  // namespace planewise::engine
