// Slim Fly: the graphs of McKay, Miller and Siran over GF(q), q = 4w + d, of diameter 2.
//
// Switches (0, x, y) and (1, m, c). (0, x, y) and (0, x, y') are joined if y - y' is in X, (1, m,
// c) and (1, m, c') if c - c' is in X', and (0, x, y) and (1, m, c) if y = m x + c. With a
// primitive element r: for d = 1 X holds its even powers and X' the odd ones; for d = 0 the same;
// for d = -1 each is closed under negation by taking powers 0, 2, ... 2w - 2 and 2w - 1, 2w + 1,
// ... 4w - 3, and X' = r X. Sources: Besta, Hoefler, SC 2014; Hafner, "Geometric realisation of the
// graphs of McKay-Miller-Siran", J. Combin. Theory B 2004.
#include <vector>

#include "base/check.h"
#include "fabric/families.h"
#include "fabric/finite_field.h"

namespace planewise::fabric {
namespace {

/// For each element of the field, whether it is in X (or, with `shift` 1, in X').
std::vector<bool> generators(const FiniteField& field, std::int64_t shift) {
  const std::int64_t q = field.size();
  std::vector<bool> in_set(static_cast<std::size_t>(q));
  const auto add = [&](std::int64_t exponent) {
    in_set[static_cast<std::size_t>(field.power(exponent + shift))] = true;
  };
  if (spec::slim_fly_remainder(q) != -1) {
    for (std::int64_t exponent = 0; exponent <= q - 2; exponent += 2) add(exponent);
    return in_set;
  }
  const std::int64_t w = (q + 1) / 4;
  for (std::int64_t exponent = 0; exponent <= 2 * w - 2; exponent += 2) add(exponent);
  for (std::int64_t exponent = 2 * w - 1; exponent <= 4 * w - 3; exponent += 2) add(exponent);
  return in_set;
}

}  // namespace

PlaneLayout lay_out_slim_fly(const spec::TopologySpec& topology, const spec::SlimFlySpec& shape) {
  PlaneLayout plane = lay_out_leaves(topology);
  const std::int64_t q = shape.q;
  plane.pods = 2 * q;
  plane.leaves_per_pod = q;
  // Each of the 2q^2 switches has q links to the other half and k' - q in its column.
  plane.global_links = q * q * q;
  plane.local_links = q * q * (spec::slim_fly_degree(q) - q);
  return plane;
}

void visit_slim_fly(const spec::SlimFlySpec& shape, const BundleSink& sink) {
  const std::int64_t q = shape.q;
  const FiniteField field(q);
  std::vector<Bundle> bundles;
  std::int64_t next_local = 0;
  std::int64_t next_global = 0;
  const auto visit_column = [&](std::int64_t column, const std::vector<bool>& in_set) {
    for (std::int64_t a = 0; a < q; ++a) {
      for (std::int64_t b = a + 1; b < q; ++b) {
        if (!in_set[static_cast<std::size_t>(field.subtract(a, b))]) continue;
        bundles.push_back({.kind = EdgeKind::local,
                           .lower = static_cast<std::int32_t>(column * q + a),
                           .upper = static_cast<std::int32_t>(column * q + b),
                           .links = 1,
                           .first = static_cast<std::int32_t>(next_local++)});
      }
    }
  };
  const std::vector<bool> first_half = generators(field, 0);
  for (std::int64_t x = 0; x < q; ++x) {
    bundles.clear();
    visit_column(x, first_half);
    for (std::int64_t y = 0; y < q; ++y) {
      for (std::int64_t m = 0; m < q; ++m) {
        const std::int64_t c = field.subtract(y, field.multiply(m, x));
        bundles.push_back({.kind = EdgeKind::global,
                           .lower = static_cast<std::int32_t>(x * q + y),
                           .upper = static_cast<std::int32_t>((q + m) * q + c),
                           .links = 1,
                           .first = static_cast<std::int32_t>(next_global++)});
      }
    }
    sink(bundles);
  }
  const std::vector<bool> second_half = generators(field, 1);
  for (std::int64_t m = 0; m < q; ++m) {
    bundles.clear();
    visit_column(q + m, second_half);
    sink(bundles);
  }
}

/// Half of the columns of each kind, u and q - u of them for odd q, against the rest: a column has
/// q links to each of the other kind.
double cut_slim_fly(const spec::SlimFlySpec& shape) {
  const std::int64_t q = shape.q;
  const std::int64_t u = (q + 1) / 2;
  return static_cast<double>(q) * static_cast<double>(u * u + (q - u) * (q - u));
}

}  // namespace planewise::fabric
