// A small catalogue and its prices, made in code: round numbers that can be added up by hand.
#pragma once

#include "cost/prices.h"
#include "fabric/make_topology.h"
#include "spec/parts.h"

namespace planewise::test {

/// Twin-port switches of 64 x 400 Gb/s in 32 cages, single-port NICs. Copper: a splitter (NIC to
/// leaf, 2 m), a straight twin (2 m). Optics: SR4 to 50 m on multimode, DR4 to 500 m on single
/// mode.
inline spec::CatalogueSpec made_catalogue() {
  const Rate rate = gigabits_per_second(400);
  const auto power = [](double w) {
    return spec::PartPower{.typical = watts(w), .maximum = watts(2 * w)};
  };
  spec::CatalogueSpec catalogue{.name = "made"};
  catalogue.switches = {{.id = "switch",
                         .name = "Switch",
                         .network = "infiniband",
                         .modes = {{.link_rate = rate, .ports = 64}},
                         .cages = 32,
                         .cage = spec::Cage::osfp,
                         .rack_units = 1,
                         .power = power(700)},
                        {.id = "open",
                         .name = "Switch with optics built in",
                         .network = "infiniband",
                         .modes = {{.link_rate = rate, .ports = 64}},
                         .cage = spec::Cage::none,
                         .power = power(900)},
                        {.id = "access",
                         .name = "Management switch",
                         .network = "management",
                         .modes = {{.link_rate = gigabits_per_second(1), .ports = 48}},
                         .cages = 48,
                         .cage = spec::Cage::rj45,
                         .power = power(100)}};
  catalogue.nics = {{.id = "nic",
                     .name = "NIC",
                     .link_rate = rate,
                     .ports = 2,
                     .cage = spec::Cage::osfp,
                     .power = power(20)}};
  const auto module = [&](const char* id, int links, spec::Media media, double reach) {
    return spec::ModulePart{.id = id,
                            .name = id,
                            .cage = spec::Cage::osfp,
                            .link_rate = rate,
                            .links = links,
                            .media = media,
                            .reach = metres(reach),
                            .power = power(8 * links)};
  };
  catalogue.modules = {module("sr4", 1, spec::Media::mmf_mpo12, 50),
                       module("2xsr4", 2, spec::Media::mmf_mpo12, 50),
                       module("dr4", 1, spec::Media::smf_mpo12, 500),
                       module("2xdr4", 2, spec::Media::smf_mpo12, 500)};
  const auto cable = [&](const char* id, int lower_links) {
    return spec::CablePart{.id = id,
                           .name = id,
                           .kind = spec::CableKind::dac,
                           .link_rate = rate,
                           .links = 2,
                           .lower = spec::Cage::osfp,
                           .lower_links = lower_links,
                           .upper = spec::Cage::osfp,
                           .reach = metres(2),
                           .power = power(0.1)};
  };
  catalogue.cables = {cable("splitter", 1), cable("twin", 2)};
  catalogue.fibres = {{.id = "mm", .name = "mm", .media = spec::Media::mmf_mpo12},
                      {.id = "sm", .name = "sm", .media = spec::Media::smf_mpo12}};
  catalogue.infrastructure = {{.id = "rack", .name = "rack", .rack_units = 48}};
  for (const double length : {1, 2, 5, 10, 20, 50, 100, 500}) {
    catalogue.cable_lengths.push_back(metres(length));
  }
  return catalogue;
}

/// Mid prices; lo is half and hi is twice of each.
inline cost::PriceList made_prices() {
  cost::PriceList list{.name = "made prices", .date = "2026-01-01"};
  const auto range = [](double mid) {
    return spec::PriceRange{.lo = usd(mid / 2), .mid = usd(mid), .hi = usd(2 * mid)};
  };
  const auto add = [&](const char* part, double mid, double per_metre = 0) {
    list.prices[part] = {.price = range(mid), .per_metre = range(per_metre)};
  };
  add("switch", 30000);
  add("open", 50000);
  add("access", 4000);
  add("nic", 1500);
  add("sr4", 400);
  add("2xsr4", 700);
  add("dr4", 600);
  add("2xdr4", 1000);
  add("splitter", 200);
  add("twin", 180);
  add("mm", 40, 3);
  add("sm", 40, 1);
  add("rack", 3000);
  return list;
}

/// Adds the catalogue's parts to a topology.
inline spec::TopologySpec with_parts(spec::TopologySpec topology) {
  topology.equipment = spec::EquipmentSpec{
      .leaf = "switch", .spine = "switch", .core = "switch", .nic = "nic", .rack = "rack"};
  return topology;
}

}  // namespace planewise::test
