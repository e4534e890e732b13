// Bills made in code, for tests of what is done with a bill.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cost/cost.h"

namespace planewise::test {

inline spec::PriceRange usd_range(double lo, double mid, double hi) {
  return {.lo = usd(lo), .mid = usd(mid), .hi = usd(hi)};
}

inline cost::BillLine bill_line(std::string item, std::optional<spec::PartGroup> group,
                                std::int64_t quantity, const spec::PriceRange& price) {
  return {.item = std::move(item),
          .group = group,
          .quantity = quantity,
          .unit_price = price,
          .total = price.mid * static_cast<double>(quantity)};
}

inline cost::Bill bill_of(std::vector<cost::BillLine> lines) {
  cost::Bill bill{.lines = std::move(lines)};
  for (const cost::BillLine& line : bill.lines) bill.total += line.total;
  return bill;
}

/// The bill with the prices of `item` times `factor`.
inline cost::Bill repriced(const cost::Bill& bill, const std::string& item, double factor) {
  std::vector<cost::BillLine> lines;
  for (const cost::BillLine& line : bill.lines) {
    const double by = line.item == item ? factor : 1;
    const auto [lo, mid, hi] = line.unit_price;
    lines.push_back(bill_line(line.item, line.group, line.quantity,
                              {.lo = lo * by, .mid = mid * by, .hi = hi * by}));
  }
  return bill_of(std::move(lines));
}

}  // namespace planewise::test
