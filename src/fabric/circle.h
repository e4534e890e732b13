// Places for the boxes of a drawing that goes round a circle.
#pragma once

#include <cstdint>
#include <vector>

#include "fabric/drawing.h"

namespace planewise::fabric {

/// Hundredths of an inch from the middle, to the right and up.
struct Place {
  std::int64_t x = 0;
  std::int64_t y = 0;
};

/// Returns a place for each box: the top layer in a circle, clockwise from the top in the order of
/// the boxes, and each layer below in a wider circle, close to what its boxes are joined with.
std::vector<Place> circle_places(const Drawing& drawing);

}  // namespace planewise::fabric
