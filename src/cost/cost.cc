#include "cost/cost.h"

#include "base/check.h"

namespace planewise::cost {
namespace {

BillLine bill_line(const char* role, std::int64_t quantity, const spec::RolePrice& price) {
  const auto times = static_cast<double>(quantity);
  return {.role = role,
          .quantity = quantity,
          .unit_price = price.price,
          .total = price.price * times,
          .price_evidence = price.price_evidence,
          .power_typical = price.power_typical * times,
          .power_maximum = price.power_maximum * times};
}

}  // namespace

Bill price(const fabric::Counts& counts, const spec::PriceBookSpec& book) {
  PW_CHECK(counts.endpoints >= 1);
  const spec::RolePrices& roles = *book.roles;
  Bill bill;
  bill.price_book = book.name;
  bill.price_date = book.date;
  bill.lines = {
      bill_line("switch", counts.switches(), roles.switch_role),
      bill_line("inter_switch_link", counts.inter_switch_links, roles.inter_switch_link),
      bill_line("endpoint_link", counts.endpoint_links, roles.endpoint_link),
  };
  Usd estimated;
  for (const BillLine& line : bill.lines) {
    bill.total += line.total;
    bill.power_typical += line.power_typical;
    bill.power_maximum += line.power_maximum;
    if (line.price_evidence == spec::Evidence::estimated) estimated += line.total;
  }
  bill.per_endpoint = bill.total / static_cast<double>(counts.endpoints);
  if (bill.total > Usd{}) bill.estimated_share = estimated.in(bill.total);
  return bill;
}

}  // namespace planewise::cost
