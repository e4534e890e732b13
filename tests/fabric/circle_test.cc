// Boxes on circles: in order, and apart.
#include "fabric/circle.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "fabric/random_shape.h"

namespace planewise::fabric {
namespace {

TEST(Circle, GoesClockwiseFromTheTop) {
  // Four boxes of 2.4 inches go round a circle of 4 x 2.4 / (2 pi) = 1.53 inches.
  Drawing drawing;
  drawing.boxes.resize(4, {.kind = DeviceKind::leaf});
  const std::vector<Place> places = circle_places(drawing);
  EXPECT_EQ(places[0].x, 0);
  EXPECT_EQ(places[0].y, 153);
  EXPECT_EQ(places[1].x, 153);
  EXPECT_EQ(places[2].y, -153);
  EXPECT_EQ(places[3].x, -153);
}

TEST(CircleLaw, NoTwoBoxesOverlap) {
  const std::uint64_t seed = test::seed_or(43);
  Random random(seed);
  int circles = 0;
  for (int round = 0; round < 400; ++round) {
    const spec::TopologySpec topology = test::random_shape(random);
    SCOPED_TRACE(test::describe_shape(seed, topology));
    const Drawing drawing = draw(lay_out(topology));
    if (drawing.arrangement != Arrangement::circle) continue;
    ++circles;
    const std::vector<Place> places = circle_places(drawing);
    for (std::size_t a = 0; a < places.size(); ++a) {
      for (std::size_t b = a + 1; b < places.size(); ++b) {
        // A box is at most 1.5 inches wide and 0.8 high.
        const bool apart =
            std::abs(places[a].x - places[b].x) >= 150 || std::abs(places[a].y - places[b].y) >= 80;
        ASSERT_TRUE(apart) << "boxes " << a << " and " << b;
      }
    }
  }
  EXPECT_GT(circles, 50);
}

}  // namespace
}  // namespace planewise::fabric
