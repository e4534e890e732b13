#include "calibration/fit/piecewise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace planewise::calibration {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

/// Sums over points of a piece, from which its line and error follow. With rows (1/T, S/T) over
/// sigma and target 1 over sigma.
struct Sums {
  double constant = 0;  ///< Of 1 / T^2, and so on.
  double mixed = 0;
  double linear = 0;
  double constant_target = 0;
  double linear_target = 0;
  double target = 0;

  void add(const SizePoint& point) {
    const double weight = 1 / (point.sigma * point.sigma);
    const double inverse = 1 / point.time.in(seconds(1));
    const double rate = point.size.in(bytes(1)) * inverse;
    constant += weight * inverse * inverse;
    mixed += weight * inverse * rate;
    linear += weight * rate * rate;
    constant_target += weight * inverse;
    linear_target += weight * rate;
    target += weight;
  }
};

struct Line {
  double overhead = 0;  ///< Seconds.
  double slope = 0;     ///< Seconds a byte.
  double error = 0;
};

double error_of(const Sums& s, double overhead, double slope) {
  return s.constant * overhead * overhead + 2 * s.mixed * overhead * slope +
         s.linear * slope * slope - 2 * s.constant_target * overhead - 2 * s.linear_target * slope +
         s.target;
}

/// The best line without negative parts. The error is convex: if the best line of all has one, the
/// best allowed one lies on an edge.
Line best_line(const Sums& s) {
  const double determinant = s.constant * s.linear - s.mixed * s.mixed;
  constexpr double kSingular = 1e-12;  // one size only: the line is not determined
  if (determinant > kSingular * s.constant * s.linear) {
    const double overhead =
        (s.constant_target * s.linear - s.linear_target * s.mixed) / determinant;
    const double slope = (s.linear_target * s.constant - s.constant_target * s.mixed) / determinant;
    if (overhead >= 0 && slope >= 0) return {overhead, slope, error_of(s, overhead, slope)};
  }
  const double slope = s.linear > 0 ? s.linear_target / s.linear : 0;
  const double overhead = s.constant_target / s.constant;
  const Line moving{0, slope, error_of(s, 0, slope)};
  const Line waiting{overhead, 0, error_of(s, overhead, 0)};
  return moving.error <= waiting.error ? moving : waiting;
}

/// The best pieces of points [0, end).
struct Best {
  double error = kNone;
  std::size_t begin = 0;  ///< Of the last piece.
};

/// Different sizes in points [0, i), for all i; and whether a piece may begin at i.
struct Sizes {
  std::vector<int> before{};
  std::vector<bool> may_begin{};
};

Sizes sizes_of(const std::vector<SizePoint>& points) {
  Sizes sizes{.before = {0}, .may_begin = {true}};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool is_new = i == 0 || points[i].size > points[i - 1].size;
    PW_CHECK(i == 0 || points[i].size >= points[i - 1].size);
    sizes.before.push_back(sizes.before.back() + (is_new ? 1 : 0));
    sizes.may_begin.push_back(i + 1 == points.size() || points[i + 1].size > points[i].size);
  }
  return sizes;
}

/// `best[k][end]`: with k + 1 pieces.
using Table = std::vector<std::vector<Best>>;

/// Takes [begin, end) as the last piece wherever that is better.
void extend(const std::vector<SizePoint>& points, const Sizes& sizes, std::size_t begin,
            const PiecewiseOptions& options, Table& best) {
  Sums sums;
  for (std::size_t end = begin + 1; end <= points.size(); ++end) {
    sums.add(points[end - 1]);
    if (!sizes.may_begin[end]) continue;
    const bool is_enough = sizes.before[end] - sizes.before[begin] >= options.points_least;
    if (!is_enough && !(begin == 0 && end == points.size())) continue;
    const double error = std::max(0.0, best_line(sums).error);
    for (std::size_t k = 0; k < best.size(); ++k) {
      if ((k == 0) != (begin == 0)) continue;
      const double before = k == 0 ? 0 : best[k - 1][begin].error;
      if (before + error < best[k][end].error) best[k][end] = {before + error, begin};
    }
  }
}

/// How many pieces are worth their parameters: two each, and the border of all but the first.
std::size_t count_of(const Table& best, std::size_t points) {
  std::size_t count = 1;
  double least = kNone;
  for (std::size_t k = 0; k < best.size(); ++k) {
    const double parameters = 3.0 * static_cast<double>(k + 1) - 1;
    const double criterion =
        best[k][points].error + parameters * std::log(static_cast<double>(points));
    if (criterion < least) {
      least = criterion;
      count = k + 1;
    }
  }
  return count;
}

AlphaBeta piece_of(const std::vector<SizePoint>& points, std::size_t begin, std::size_t end) {
  Sums sums;
  for (std::size_t i = begin; i < end; ++i) sums.add(points[i]);
  const Line line = best_line(sums);
  const Rate rate =
      line.slope > 0 ? std::min(kNoLimit, bytes_per_second(1 / line.slope)) : kNoLimit;
  Bytes from{};
  if (begin > 0) {
    from = bytes(std::sqrt(points[begin - 1].size.in(bytes(1)) * points[begin].size.in(bytes(1))));
  }
  return {.from = from, .overhead = seconds(line.overhead), .rate = rate};
}

}  // namespace

std::vector<AlphaBeta> fit_piecewise(const std::vector<SizePoint>& points,
                                     const PiecewiseOptions& options) {
  PW_CHECK(!points.empty());
  PW_CHECK(options.pieces_most > 0);
  const Sizes sizes = sizes_of(points);
  Table best(static_cast<std::size_t>(options.pieces_most), std::vector<Best>(points.size() + 1));
  for (std::size_t begin = 0; begin < points.size(); ++begin) {
    if (sizes.may_begin[begin]) extend(points, sizes, begin, options, best);
  }
  std::vector<AlphaBeta> pieces;
  std::size_t end = points.size();
  for (std::size_t k = count_of(best, points.size()); k-- > 0;) {
    const std::size_t begin = best[k][end].begin;
    pieces.push_back(piece_of(points, begin, end));
    end = begin;
  }
  std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

Seconds time_at(const std::vector<AlphaBeta>& pieces, Bytes size) {
  PW_CHECK(!pieces.empty());
  const auto above = std::upper_bound(pieces.begin() + 1, pieces.end(), size,
                                      [](Bytes s, const AlphaBeta& p) { return s < p.from; });
  const AlphaBeta& piece = *(above - 1);
  return piece.overhead + size / piece.rate;
}

}  // namespace planewise::calibration
