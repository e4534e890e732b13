// What a price book says: a price and a power a role, each with the evidence for it.
#pragma once

#include <string>

#include "base/units.h"
#include "spec/evidence.h"
#include "spec/input_error.h"

namespace planewise::spec {

/// One role's figures. A role is a class of part: a switch, or everything that one link needs.
struct RolePrice {
  Usd price{};
  Evidence price_evidence = Evidence::estimated;
  std::string price_source{};
  Watts power_typical{};
  Watts power_maximum{};
  Evidence power_evidence = Evidence::estimated;
  std::string power_source{};
};

struct PriceBookSpec {
  Origin origin{};
  std::string name{};
  std::string date{};  ///< ISO 8601, the day the prices hold.
  std::string source{};
  int switch_radix = 0;           ///< The radix that the switch price is for.
  RolePrice switch_role{};        ///< One switch.
  RolePrice inter_switch_link{};  ///< Cable and modules of one switch-to-switch link.
  RolePrice
      endpoint_link{};  ///< Cable and modules of one NIC-to-leaf link; the NIC itself is not in it.
};

}  // namespace planewise::spec
