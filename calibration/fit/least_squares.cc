#include "calibration/fit/least_squares.h"

#include <Eigen/Dense>
#include <algorithm>

#include "base/check.h"

namespace planewise::calibration {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

/// Columns that may be more than 0 now.
using Columns = std::vector<Eigen::Index>;

/// The least squares over `columns` alone; the others are 0.
Vector solve_over(const Matrix& a, const Vector& b, const Columns& columns) {
  Matrix part(a.rows(), static_cast<Eigen::Index>(columns.size()));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    part.col(static_cast<Eigen::Index>(i)) = a.col(columns[i]);
  }
  const Vector solved = part.colPivHouseholderQr().solve(b);
  Vector x = Vector::Zero(a.cols());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    x[columns[i]] = solved[static_cast<Eigen::Index>(i)];
  }
  return x;
}

bool contains(const Columns& columns, Eigen::Index column) {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

/// The column outside `positive` along which the error falls most; -1 if along none.
Eigen::Index steepest(const Vector& gradient, const Columns& positive, double least) {
  Eigen::Index best = -1;
  for (Eigen::Index i = 0; i < gradient.size(); ++i) {
    if (contains(positive, i) || gradient[i] <= least) continue;
    if (best < 0 || gradient[i] > gradient[best]) best = i;
  }
  return best;
}

/// Goes from `x` towards `wanted` until the first column is 0, and drops those that are.
void step_to_the_edge(Vector& x, const Vector& wanted, Columns& positive) {
  double along = 1;
  for (const Eigen::Index i : positive) {
    if (wanted[i] <= 0) along = std::min(along, x[i] / (x[i] - wanted[i]));
  }
  Eigen::Index first = -1;
  for (const Eigen::Index i : positive) {
    const bool is_edge = wanted[i] <= 0 && x[i] / (x[i] - wanted[i]) <= along;
    x[i] += along * (wanted[i] - x[i]);
    if (is_edge && first < 0) first = i;
  }
  std::erase_if(positive, [&](Eigen::Index i) {
    const bool drop = i == first || x[i] <= 0;  // the first one even if rounding left a rest
    if (drop) x[i] = 0;
    return drop;
  });
}

}  // namespace

std::vector<double> non_negative_least_squares(const LinearSystem& system) {
  const auto rows = static_cast<Eigen::Index>(system.targets.size());
  const auto columns = static_cast<Eigen::Index>(system.columns);
  PW_CHECK(system.factors.size() == system.targets.size() * system.columns);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix a = Eigen::Map<const RowMajor>(system.factors.data(), rows, columns);
  const Vector b = Eigen::Map<const Vector>(system.targets.data(), rows);
  // Columns of one length, so that "steepest" does not depend on units.
  Vector lengths = a.colwise().norm().transpose();
  for (Eigen::Index i = 0; i < columns; ++i) {
    if (lengths[i] == 0) lengths[i] = 1;
    a.col(i) /= lengths[i];
  }
  constexpr double kFlat = 1e-12;  // of the target's length: what rounding leaves
  const double least = kFlat * b.norm();
  Vector x = Vector::Zero(columns);
  Columns positive;
  // Each round lowers the error, so that no set of columns comes twice.
  for (Eigen::Index round = 0; round < 10 * (columns + 1); ++round) {
    const Eigen::Index next = steepest(a.transpose() * (b - a * x), positive, least);
    if (next < 0) break;
    positive.push_back(next);
    while (!positive.empty()) {
      const Vector wanted = solve_over(a, b, positive);
      const bool is_inside = std::all_of(positive.begin(), positive.end(),
                                         [&](Eigen::Index i) { return wanted[i] > 0; });
      if (is_inside) {
        x = wanted;
        break;
      }
      step_to_the_edge(x, wanted, positive);
    }
  }
  std::vector<double> solution;
  for (Eigen::Index i = 0; i < columns; ++i) solution.push_back(x[i] / lengths[i]);
  return solution;
}

}  // namespace planewise::calibration
