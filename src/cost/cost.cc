#include "cost/cost.h"

#include <map>

#include "base/check.h"
#include "cost/tally.h"
#include "spec/storage.h"

namespace planewise::cost {
namespace {

BillLine role_line(const char* role, std::int64_t quantity, const spec::RolePrice& price) {
  const auto times = static_cast<double>(quantity);
  return {.item = role,
          .name = role,
          .quantity = quantity,
          .unit_price = {.lo = price.price, .mid = price.price, .hi = price.price},
          .total = price.price * times,
          .price_evidence = price.price_evidence,
          .power_typical = price.power_typical * times,
          .power_maximum = price.power_maximum * times};
}

void add_up(Bill& bill, std::int64_t endpoints) {
  Usd estimated;
  for (const BillLine& line : bill.lines) {
    bill.total += line.total;
    bill.power_typical += line.power_typical;
    bill.power_maximum += line.power_maximum;
    if (spec::is_estimate(line.price_evidence)) estimated += line.total;
  }
  bill.per_endpoint = bill.total / static_cast<double>(endpoints);
  if (bill.total > Usd{}) bill.estimated_share = estimated.in(bill.total);
}

/// Adds lines of parts to a bill.
class PartsBill {
 public:
  explicit PartsBill(const PartsBasis& basis) : basis_(basis) { bill_.by_parts = true; }

  void add_switches(const std::string& part, std::int64_t quantity, const std::string& use) {
    const spec::SwitchPart* found = basis_.catalogue.find_switch(part);
    PW_CHECK(found != nullptr);
    add_line(found->id, found->name, quantity, use, found->power);
  }

  void add_links(const LinkTally& tally, const std::string& prefix) {
    for (const auto& [module, count] : tally.nic_modules) {
      add_line(module->id, module->name, count, prefix + "modules at NICs", module->power);
    }
    for (const auto& [module, count] : tally.switch_modules) {
      add_line(module->id, module->name, count, prefix + "modules at switches", module->power);
    }
    for (const auto& [key, count] : tally.cables) {
      const auto& [cable, length] = key;
      add_line(cable->id, cable->name, count, prefix + "cables", cable->power, length);
      bill_.cables += count;
    }
    for (const auto& [key, count] : tally.fibres) {
      const auto& [fibre, length] = key;
      add_line(fibre->id, fibre->name, count, prefix + "fibres", {}, length);
      bill_.cables += count;
    }
    bill_.cages_short += tally.cages_short;
    bill_.cages_unused += tally.cages_unused;
  }

  /// Nothing if there are none of it.
  void add_line(const std::string& id, const std::string& name, std::int64_t quantity,
                const std::string& use, const spec::PartPower& power, Metres length = {}) {
    if (quantity == 0) return;
    const auto times = static_cast<double>(quantity);
    const spec::PriceRange price = basis_.prices.price_of(id, length);
    bill_.lines.push_back({.item = id,
                           .name = name,
                           .use = use,
                           .group = basis_.catalogue.group_of(id),
                           .length = length,
                           .quantity = quantity,
                           .unit_price = price,
                           .total = price.mid * times,
                           .price_evidence = basis_.prices.evidence_of(id),
                           .power_typical = power.typical * times,
                           .power_maximum = power.maximum * times});
  }

  Bill finish(std::int64_t endpoints) {
    bill_.price_book = basis_.prices.name;
    bill_.price_date = basis_.prices.date;
    add_up(bill_, endpoints);
    return std::move(bill_);
  }

 private:
  const PartsBasis& basis_;
  Bill bill_;
};

/// Puts a fabric on the bill; returns the links that no parts make.
std::vector<NoParts> add_fabric(PartsBill& bill, const fabric::Fabric& fabric,
                                const PartsBasis& basis, const std::string& prefix) {
  const spec::EquipmentSpec& equipment = *fabric.topology.equipment;
  const LinkResolver resolver(fabric, basis.catalogue, basis.prices);
  const FloorPlan floor = plan_floor(fabric);
  const LinkTally tally = tally_links(fabric, basis.catalogue, resolver, floor);
  if (!tally.without_parts.empty()) return tally.without_parts;
  const fabric::Counts counts = count(fabric);
  bill.add_switches(equipment.leaf, counts.leaf_switches, prefix + "leaf switches");
  bill.add_switches(equipment.spine, counts.spine_switches, prefix + "spine switches");
  bill.add_switches(equipment.core, counts.core_switches, prefix + "core switches");
  const spec::NicPart* nic = basis.catalogue.find_nic(equipment.nic);
  PW_CHECK(nic != nullptr);
  bill.add_line(nic->id, nic->name, fabric.topology.nodes.count * fabric.topology.nodes.nics,
                prefix + "NICs", nic->power);
  bill.add_links(tally, prefix);
  if (!equipment.rack.empty()) {
    const spec::InfrastructurePart* rack = basis.catalogue.find_infrastructure(equipment.rack);
    PW_CHECK(rack != nullptr);
    bill.add_line(rack->id, rack->name, floor.switch_racks(), prefix + "racks for switches", {});
  }
  return {};
}

/// Access switches with one uplink each, and switches that join those.
void add_management(PartsBill& bill, const spec::TopologySpec& topology, std::int64_t switches) {
  const spec::ManagementSpec& management = *topology.management;
  const std::int64_t ports = topology.nodes.count * management.ports_per_node + switches;
  const std::int64_t access = (ports + management.radix - 2) / (management.radix - 1);
  const std::int64_t joining = access == 1 ? 0 : (access + management.radix - 1) / management.radix;
  bill.add_switches(management.switch_part, access + joining, "management switches");
}

}  // namespace

Bill price_roles(const fabric::Counts& counts, const spec::PriceBookSpec& book) {
  PW_CHECK(counts.endpoints >= 1);
  PW_CHECK(book.roles.has_value());
  const spec::RolePrices& roles = *book.roles;
  Bill bill;
  bill.price_book = book.name;
  bill.price_date = book.date;
  bill.lines = {
      role_line("switch", counts.switches(), roles.switch_role),
      role_line("inter_switch_link", counts.inter_switch_links, roles.inter_switch_link),
      role_line("endpoint_link", counts.endpoint_links, roles.endpoint_link),
  };
  add_up(bill, counts.endpoints);
  return bill;
}

std::variant<Bill, std::vector<NoParts>> price_parts(const fabric::Fabric& fabric,
                                                     const PartsBasis& basis) {
  PW_CHECK(fabric.topology.equipment.has_value());
  PartsBill bill(basis);
  std::vector<NoParts> missing = add_fabric(bill, fabric, basis, "");
  if (!missing.empty()) return missing;
  std::int64_t switches = fabric.switch_count();
  if (fabric.topology.storage) {
    const fabric::Fabric storage = fabric::lay_out(spec::storage_topology(fabric.topology));
    missing = add_fabric(bill, storage, basis, "storage: ");
    if (!missing.empty()) return missing;
    switches += storage.switch_count();
  }
  if (fabric.topology.management) add_management(bill, fabric.topology, switches);
  return bill.finish(fabric.endpoint_count());
}

}  // namespace planewise::cost
