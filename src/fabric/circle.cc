#include "fabric/circle.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace planewise::fabric {
namespace {

// Inches. A box with three lines of text is at most 1.5 wide and 0.8 high.
constexpr double kWidth = 2.4;
constexpr double kBetweenCircles = 2;
constexpr double kTurn = 2 * std::numbers::pi;

class Circles {
 public:
  explicit Circles(const Drawing& drawing)
      : drawing_(drawing), angles_(drawing.boxes.size()), places_(drawing.boxes.size()) {}

  std::vector<Place> places() {
    for (const DeviceKind kind :
         {DeviceKind::core, DeviceKind::spine, DeviceKind::leaf, DeviceKind::node}) {
      std::vector<std::size_t> boxes;
      for (std::size_t id = 0; id < drawing_.boxes.size(); ++id) {
        if (drawing_.boxes[id].kind == kind) boxes.push_back(id);
      }
      if (!boxes.empty()) put(boxes);
    }
    return places_;
  }

 private:
  void put(std::vector<std::size_t> boxes) {
    const double needed = static_cast<double>(boxes.size()) * kWidth / kTurn;
    if (is_first_) {
      radius_ = boxes.size() == 1 ? 0 : std::max(1.4, needed);
      for (std::size_t i = 0; i < boxes.size(); ++i) {
        angles_[boxes[i]] = kTurn * static_cast<double>(i) / static_cast<double>(boxes.size());
      }
    } else {
      radius_ = std::max(radius_ + kBetweenCircles, needed);
      spread(boxes);
    }
    is_first_ = false;
    for (const std::size_t box : boxes) {
      places_[box] = {.x = std::llround(100 * radius_ * std::sin(angles_[box])),
                      .y = std::llround(100 * radius_ * std::cos(angles_[box]))};
    }
  }

  /// Each box at the middle of what it is joined with, pushed on where there is no room.
  void spread(std::vector<std::size_t>& boxes) {
    for (const std::size_t box : boxes) angles_[box] = middle(box);
    std::stable_sort(boxes.begin(), boxes.end(),
                     [this](std::size_t a, std::size_t b) { return angles_[a] < angles_[b]; });
    const double step = std::min(kWidth / radius_, kTurn / static_cast<double>(boxes.size()));
    // Those at the end of the turn must not be pushed over those at its start.
    const double end = angles_[boxes.front()] + kTurn;
    for (std::size_t i = 1; i < boxes.size(); ++i) {
      double& angle = angles_[boxes[i]];
      const double latest = end - static_cast<double>(boxes.size() - i) * step;
      angle = std::max(std::min(angle, latest), angles_[boxes[i - 1]] + step);
    }
  }

  double middle(std::size_t box) const {
    double x = 0;
    double y = 0;
    for (const Line& line : drawing_.lines) {
      if (line.lower != box || drawing_.boxes[line.upper].kind == drawing_.boxes[box].kind)
        continue;
      x += static_cast<double>(line.links) * std::sin(angles_[line.upper]);
      y += static_cast<double>(line.links) * std::cos(angles_[line.upper]);
    }
    const double angle = std::atan2(x, y);
    return angle < -1e-9 ? angle + kTurn : angle;  // -1e-9: rounding, of a box at the very top.
  }

  const Drawing& drawing_;
  std::vector<double> angles_;  // Clockwise from the top, in radians.
  std::vector<Place> places_;
  double radius_ = 0;
  bool is_first_ = true;
};

}  // namespace

std::vector<Place> circle_places(const Drawing& drawing) { return Circles(drawing).places(); }

}  // namespace planewise::fabric
