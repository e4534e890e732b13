// A fabric as lists for a supplier and for those who build it: comma-separated, a header line
// first.
#pragma once

#include <string>

#include "cost/cable_plan.h"
#include "cost/cost.h"
#include "fabric/fabric.h"

namespace planewise::report {

/// A line of the bill a row: item, name, use, group, length, quantity, prices, evidence, power.
std::string bill_csv(const cost::Bill& bill);

/// A link a row, with both ends: device, port, rack; parts, length, label. Links that share a
/// twin-port cable share its number, and their labels end with `a` and `b`.
std::string cable_csv(const fabric::Fabric& fabric, const cost::CablePlan& plan);

/// A port of a switch a row, those that are not used too, and what is at the other end.
std::string port_csv(const fabric::Fabric& fabric, const cost::CablePlan& plan);

/// What stands in each rack, from below: a device a row with its place and, if the catalogue says
/// so, its height. `resolver` may be null, as in cost::plan_cables().
std::string rack_csv(const fabric::Fabric& fabric, const cost::FloorPlan& floor,
                     const cost::LinkResolver* resolver);

}  // namespace planewise::report
