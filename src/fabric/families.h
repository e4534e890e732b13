// Inside fabric/: what each family computes of its own. The shared entry points (lay_out, count,
// visit_bundles, diameter, bisection) choose among these by the topology's shape.
#pragma once

#include "fabric/wiring.h"

namespace planewise::fabric {

/// Returns a / b rounded up; both positive.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The most pairs across an even division of `n` equal things that are joined each with each.
constexpr std::int64_t cut_pairs(std::int64_t n) { return (n / 2) * (n - n / 2); }

// Trees and dual-ToR fabrics (tree.cc, dual_tor.cc).
PlaneLayout lay_out_tree(const spec::TopologySpec& topology);
void visit_tree(const Fabric& fabric, const BundleSink& sink);
PlaneLayout lay_out_dual_tor(const spec::TopologySpec& topology, const spec::DualTorSpec& shape);
void visit_dual_tor(const Fabric& fabric, const spec::DualTorSpec& shape, const BundleSink& sink);

// Groups of switches, every pair of groups joined (dragonfly.cc). `cut` is the least number of
// links across an even division.
PlaneLayout lay_out_dragonfly(const spec::TopologySpec& topology, const spec::DragonflySpec& shape);
void visit_dragonfly(const spec::DragonflySpec& shape, const BundleSink& sink);
double cut_dragonfly(const spec::DragonflySpec& shape);
PlaneLayout lay_out_dragonfly_plus(const spec::TopologySpec& topology,
                                   const spec::DragonflyPlusSpec& shape);
void visit_dragonfly_plus(const Fabric& fabric, const spec::DragonflyPlusSpec& shape,
                          const BundleSink& sink);
double cut_dragonfly_plus(const spec::DragonflyPlusSpec& shape, int radix);

// McKay-Miller-Siran graphs (slim_fly.cc).
PlaneLayout lay_out_slim_fly(const spec::TopologySpec& topology, const spec::SlimFlySpec& shape);
void visit_slim_fly(const spec::SlimFlySpec& shape, const BundleSink& sink);
double cut_slim_fly(const spec::SlimFlySpec& shape);

// Grids (grid.cc).
PlaneLayout lay_out_hyperx(const spec::TopologySpec& topology, const spec::HyperXSpec& shape);
void visit_hyperx(const spec::HyperXSpec& shape, const BundleSink& sink);
double cut_hyperx(const spec::HyperXSpec& shape);
PlaneLayout lay_out_torus(const spec::TopologySpec& topology, const spec::TorusSpec& shape);
void visit_torus(const spec::TorusSpec& shape, const BundleSink& sink);
double cut_torus(const spec::TorusSpec& shape);

// As listed (custom.cc).
PlaneLayout lay_out_custom(const spec::TopologySpec& topology, const spec::CustomSpec& shape);
void visit_custom(const spec::CustomSpec& shape, const BundleSink& sink);

/// What families whose switches are all leaves and all alike have in common.
PlaneLayout lay_out_leaves(const spec::TopologySpec& topology);

}  // namespace planewise::fabric
