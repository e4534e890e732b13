// HyperX and torus: switches on a grid, joined along its lines.
// Sources: Ahn et al., SC 2009 (HyperX); Dally, Towles, "Principles and Practices of
// Interconnection Networks", chapter 5 (torus).
#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "fabric/families.h"

namespace planewise::fabric {
namespace {

using Extents = std::vector<std::int64_t>;

/// Switches with one last coordinate stand together, unless there is one dimension only.
void set_pods(PlaneLayout& plane, const Extents& extents) {
  plane.pods = extents.size() > 1 ? extents.back() : 1;
  plane.leaves_per_pod = plane.leaves / plane.pods;
}

EdgeKind kind_of(const Extents& extents, std::size_t dimension) {
  const bool is_last = dimension + 1 == extents.size();
  return is_last && extents.size() > 1 ? EdgeKind::global : EdgeKind::local;
}

void count_links(PlaneLayout& plane, EdgeKind kind, std::int64_t links) {
  (kind == EdgeKind::global ? plane.global_links : plane.local_links) += links;
}

/// A switch on a line: its number is base + coordinate * stride.
struct Line {
  std::int64_t coordinate = 0;
  std::int64_t base = 0;
  std::int64_t stride = 1;
};

/// Numbers links of each kind in the order in which they are appended.
class GridLinks {
 public:
  void append(EdgeKind kind, std::int64_t lower, std::int64_t upper, std::int64_t links) {
    std::int64_t& next = kind == EdgeKind::global ? next_global_ : next_local_;
    bundles_.push_back({.kind = kind,
                        .lower = static_cast<std::int32_t>(lower),
                        .upper = static_cast<std::int32_t>(upper),
                        .links = static_cast<std::int32_t>(links),
                        .first = static_cast<std::int32_t>(next)});
    next += links;
  }
  void flush(const BundleSink& sink) {
    sink(bundles_);
    bundles_.clear();
  }

 private:
  std::vector<Bundle> bundles_;
  std::int64_t next_local_ = 0;
  std::int64_t next_global_ = 0;
};

std::int64_t product(const Extents& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
}

/// The line of each dimension that switch `number` is on.
void find_lines(const Extents& extents, std::int64_t number, std::vector<Line>& lines) {
  lines.clear();
  std::int64_t stride = 1;
  for (const std::int64_t extent : extents) {
    const std::int64_t coordinate = number / stride % extent;
    lines.push_back(
        {.coordinate = coordinate, .base = number - coordinate * stride, .stride = stride});
    stride *= extent;
  }
}

}  // namespace

PlaneLayout lay_out_hyperx(const spec::TopologySpec& topology, const spec::HyperXSpec& shape) {
  PlaneLayout plane = lay_out_leaves(topology);
  set_pods(plane, shape.extents);
  for (std::size_t i = 0; i < shape.extents.size(); ++i) {
    // On each line every two of its switches are joined.
    const std::int64_t pairs = shape.extents[i] * (shape.extents[i] - 1) / 2;
    count_links(plane, kind_of(shape.extents, i),
                plane.leaves / shape.extents[i] * pairs * shape.parallel_links[i]);
  }
  return plane;
}

void visit_hyperx(const spec::HyperXSpec& shape, const BundleSink& sink) {
  GridLinks links;
  std::vector<Line> lines;
  for (std::int64_t number = 0; number < product(shape.extents); ++number) {
    find_lines(shape.extents, number, lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const Line& line = lines[i];
      for (std::int64_t other = line.coordinate + 1; other < shape.extents[i]; ++other) {
        links.append(kind_of(shape.extents, i), number, line.base + other * line.stride,
                     shape.parallel_links[i]);
      }
    }
    links.flush(sink);
  }
}

double cut_hyperx(const spec::HyperXSpec& shape) {
  const std::int64_t switches = product(shape.extents);
  double least = -1;
  for (std::size_t i = 0; i < shape.extents.size(); ++i) {
    const std::int64_t lines = switches / shape.extents[i];
    const auto cut =
        static_cast<double>(lines * cut_pairs(shape.extents[i]) * shape.parallel_links[i]);
    least = least < 0 ? cut : std::min(least, cut);
  }
  return least;
}

PlaneLayout lay_out_torus(const spec::TopologySpec& topology, const spec::TorusSpec& shape) {
  PlaneLayout plane = lay_out_leaves(topology);
  set_pods(plane, shape.extents);
  for (std::size_t i = 0; i < shape.extents.size(); ++i) {
    count_links(plane, kind_of(shape.extents, i), plane.leaves);
  }
  return plane;
}

void visit_torus(const spec::TorusSpec& shape, const BundleSink& sink) {
  GridLinks links;
  std::vector<Line> lines;
  for (std::int64_t number = 0; number < product(shape.extents); ++number) {
    find_lines(shape.extents, number, lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      // Of two switches on a line each is the other's next: two links join them.
      const std::int64_t next = (lines[i].coordinate + 1) % shape.extents[i];
      links.append(kind_of(shape.extents, i), number, lines[i].base + next * lines[i].stride, 1);
    }
    links.flush(sink);
  }
}

double cut_torus(const spec::TorusSpec& shape) {
  // A cut through the longest dimension meets each line twice.
  const std::int64_t longest = *std::max_element(shape.extents.begin(), shape.extents.end());
  const std::int64_t lines = product(shape.extents) / longest;
  return static_cast<double>(2 * lines);
}

}  // namespace planewise::fabric
