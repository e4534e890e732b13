#include "cost/uncertainty.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>

#include "base/check.h"
#include "base/random.h"

namespace planewise::cost {
namespace {

constexpr double kZ10 = 1.2815515655446004;  // 90th percentile of the normal distribution.

/// What all pieces of one item in one bill cost. They rise and fall together, so their percentiles
/// add up, and one price stands for fibres of all lengths.
struct ItemTotal {
  double lo = 0;
  double mid = 0;
  double hi = 0;
};

struct Item {
  std::string common{};  ///< What shares the common factor: the group, or the role by itself.
  std::map<std::size_t, ItemTotal> totals{};  ///< By bill.
};

std::map<std::string, Item> items_of(const std::vector<const Bill*>& bills) {
  std::map<std::string, Item> items;
  for (std::size_t i = 0; i < bills.size(); ++i) {
    for (const BillLine& line : bills[i]->lines) {
      Item& item = items[line.item];
      item.common =
          line.group ? std::string(spec::part_group_name(*line.group)) : "role " + line.item;
      ItemTotal& total = item.totals[i];
      const auto quantity = static_cast<double>(line.quantity);
      total.lo += quantity * line.unit_price.lo.base();
      total.mid += quantity * line.unit_price.mid.base();
      total.hi += quantity * line.unit_price.hi.base();
    }
  }
  return items;
}

/// A stream's seed depends on its name alone, so that a bill's range is the same whichever bills
/// stand beside it.
std::uint64_t seed_of(std::uint64_t seed, const std::string& name) {
  std::uint64_t hash = mix_bits(seed);
  for (const char c : name) hash = fold_bits(hash, static_cast<unsigned char>(c));
  return hash;
}

/// Standard normal numbers. Method: Box and Muller, Ann. Math. Stat. 29 (1958).
std::vector<double> normal_numbers(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  std::vector<double> numbers(count + count % 2);
  for (std::size_t i = 0; i < count; i += 2) {
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
    const double angle = 2 * std::numbers::pi * random.uniform();
    numbers[i] = radius * std::cos(angle);
    numbers[i + 1] = radius * std::sin(angle);
  }
  numbers.resize(count);
  return numbers;
}

/// Adds the item's cost in each draw; `z` is its logarithm in standard deviations from the median.
void add_draws(const ItemTotal& item, const std::vector<double>& z, std::vector<double>& totals) {
  PW_CHECK(item.lo > 0 || item.hi == 0);
  if (item.lo == item.hi) {
    for (double& total : totals) total += item.mid;
    return;
  }
  const double below = std::log(item.mid / item.lo) / kZ10;
  const double above = std::log(item.hi / item.mid) / kZ10;
  for (std::size_t i = 0; i < z.size(); ++i) {
    totals[i] += item.mid * std::exp(z[i] * (z[i] < 0 ? below : above));
  }
}

using Draws = std::vector<std::vector<double>>;  // [bills][draws] Of the total.

Draws draw_totals(const std::vector<const Bill*>& bills, const UncertaintyOptions& options) {
  const auto count = static_cast<std::size_t>(options.draws);
  const double common_weight = std::sqrt(options.common_share);
  const double own_weight = std::sqrt(1 - options.common_share);
  std::map<std::string, std::vector<double>> common_factors;
  Draws totals(bills.size(), std::vector<double>(count));
  for (const auto& [name, item] : items_of(bills)) {
    auto [common, is_new] = common_factors.try_emplace(item.common);
    if (is_new) common->second = normal_numbers(seed_of(options.seed, item.common), count);
    std::vector<double> z = normal_numbers(seed_of(options.seed, "item " + name), count);
    for (std::size_t i = 0; i < count; ++i) {
      z[i] = common_weight * common->second[i] + own_weight * z[i];
    }
    for (const auto& [bill, total] : item.totals) add_draws(total, z, totals[bill]);
  }
  return totals;
}

/// Between the two nearest draws by their distance. Reorders `values`.
Usd percentile(std::vector<double>& values, double share) {
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(place);
  const auto nth = values.begin() + below;
  std::nth_element(values.begin(), nth, values.end());
  if (nth + 1 == values.end()) return usd(*nth);
  const double next = *std::min_element(nth + 1, values.end());
  return usd(*nth + (next - *nth) * (place - static_cast<double>(below)));
}

CostRange range_of(std::vector<double> values) {
  return {.p10 = percentile(values, 0.1),
          .p50 = percentile(values, 0.5),
          .p90 = percentile(values, 0.9)};
}

/// The share of draws in which `a` is less than `b`, both an endpoint.
double share_cheaper(const std::vector<double>& a, const std::vector<double>& b) {
  double wins = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    // Nine decimals: fabrics of the same parts an endpoint differ by rounding alone.
    const double margin = 1e-9 * b[i];
    wins += a[i] < b[i] - margin ? 1 : a[i] <= b[i] + margin ? 0.5 : 0;
  }
  return wins / static_cast<double>(a.size());
}

std::vector<std::vector<double>> compare(Draws totals, const std::vector<std::int64_t>& endpoints) {
  for (std::size_t i = 0; i < totals.size(); ++i) {
    for (double& total : totals[i]) total /= static_cast<double>(endpoints[i]);
  }
  std::vector<std::vector<double>> cheaper(totals.size(), std::vector<double>(totals.size(), 0.5));
  for (std::size_t i = 0; i < totals.size(); ++i) {
    for (std::size_t j = i + 1; j < totals.size(); ++j) {
      cheaper[i][j] = share_cheaper(totals[i], totals[j]);
      cheaper[j][i] = 1 - cheaper[i][j];
    }
  }
  return cheaper;
}

std::vector<Swing> swings_of(const Bill& bill) {
  std::vector<Swing> swings;
  for (const auto& [name, item] : items_of({&bill})) {
    const ItemTotal& total = item.totals.at(0);
    if (total.lo == total.hi) continue;
    swings.push_back({.item = name,
                      .at_lo = bill.total + usd(total.lo - total.mid),
                      .at_hi = bill.total + usd(total.hi - total.mid)});
  }
  std::stable_sort(swings.begin(), swings.end(), [](const Swing& a, const Swing& b) {
    return a.at_hi - a.at_lo > b.at_hi - b.at_lo;
  });
  return swings;
}

/// The least mid price among an item's lines in both bills.
Usd least_mid(const std::string& item, const Bill& a, const Bill& b) {
  std::optional<Usd> least;
  for (const Bill* bill : {&a, &b}) {
    for (const BillLine& line : bill->lines) {
      if (line.item == item && (!least || line.unit_price.mid < *least)) {
        least = line.unit_price.mid;
      }
    }
  }
  PW_CHECK(least.has_value());
  return *least;
}

}  // namespace

Uncertainty assess(const std::vector<const Bill*>& bills,
                   const std::vector<std::int64_t>& endpoints, const UncertaintyOptions& options) {
  PW_CHECK(endpoints.size() == bills.size());
  PW_CHECK(options.draws >= 1);
  PW_CHECK(options.common_share >= 0 && options.common_share <= 1);
  Draws totals = draw_totals(bills, options);
  Uncertainty uncertainty;
  for (std::size_t i = 0; i < bills.size(); ++i) {
    uncertainty.ranges.push_back(range_of(totals[i]));
    uncertainty.swings.push_back(swings_of(*bills[i]));
  }
  uncertainty.cheaper = compare(std::move(totals), endpoints);
  return uncertainty;
}

std::vector<BreakEven> break_even(const Bill& a, std::int64_t a_endpoints, const Bill& b,
                                  std::int64_t b_endpoints) {
  const auto a_count = static_cast<double>(a_endpoints);
  const auto b_count = static_cast<double>(b_endpoints);
  // b - a, an endpoint: what is left is the same for both if the item costs `factor` times as much.
  const double difference = b.total.base() / b_count - a.total.base() / a_count;
  std::vector<BreakEven> points;
  for (auto& [name, item] : items_of({&a, &b})) {
    const double in_a = item.totals[0].mid / a_count;
    const double in_b = item.totals[1].mid / b_count;
    // Nine decimals, as in share_cheaper().
    if (std::abs(in_a - in_b) <= 1e-9 * std::max(in_a, in_b)) continue;
    const double factor = 1 + difference / (in_a - in_b);
    if (factor <= 0) continue;
    const Usd mid = least_mid(name, a, b);
    if (mid == usd(0)) continue;
    points.push_back({.item = name, .mid = mid, .price = mid * factor});
  }
  const auto distance = [](const BreakEven& point) {
    return std::abs(std::log(point.price.in(point.mid)));
  };
  std::stable_sort(points.begin(), points.end(), [&](const BreakEven& x, const BreakEven& y) {
    return distance(x) < distance(y);
  });
  return points;
}

}  // namespace planewise::cost
