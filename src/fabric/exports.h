// A fabric as files that other programs read. Each function returns the whole text; same fabric,
// same bytes. None may be called with a fabric that is `as_printed`, except export_as().
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "fabric/fabric.h"

namespace planewise::fabric {

/// Why a format cannot hold a fabric.
struct Refusal {
  std::string key{};     ///< Of the topology file, such as `fabric.radix`.
  std::string reason{};  ///< Lower case, no full stop.
  std::string hint{};    ///< What to write or use instead; may be empty.
};
using Export = std::variant<std::string, Refusal>;

enum class ExportForm : std::uint8_t { svg, dot, graphml, ibsim, htsim, simgrid };

/// The text in any form. Refuses fabrics that are `as_printed`: they have counts and no graph.
Export export_as(const Fabric& fabric, ExportForm form);

/// The picture of to_dot() as SVG, laid out by Graphviz. Refuses nothing; throws if Graphviz cannot
/// run. Not from two threads at once: Graphviz has state of its own.
std::string to_svg(const Fabric& fabric);

/// Every vertex and edge of make_graph() for graph tools (NetworkX, Gephi, yEd, Graphviz's
/// graphml2gv). Vertices have `kind`, `name`, `plane`, `index`; edges `kind`, `rate_gbps` per
/// direction, and the ports of visit_cables() at source and target.
std::string to_graphml(const Fabric& fabric);

/// A net file for ibsim, which OpenSM and the InfiniBand diagnostics then run against.
///
/// Switches have `fabric.radix` ports and NICs one (`dual_tor`: two), joined as visit_cables()
/// says. Planes come one after the other and share no switch. Refuses radix above 254, the most
/// ports that InfiniBand can number on a switch, and switches of a custom fabric whose names are
/// longer than ibsim keeps.
Export to_ibsim(const Fabric& fabric);

/// A .topo file for htsim (github.com/Broadcom/csg-htsim), of one plane: hosts are the ports of
/// leaves in order.
///
/// Its fat trees have equal pods of full leaves and the same number of links between any two joined
/// switches; refuses all else, and rates that are no whole Gb/s.
Export to_htsim(const Fabric& fabric);

/// A platform file (version 4.1) for SimGrid: GPUs are hosts, switches and the NVLink of each node
/// routers, routes the paths with the fewest links (Dijkstra).
///
/// Parallel links are one link with the sum of their rates. A path of n switches takes n times
/// `switch_latency`, one over NVLink `nvlink_latency`. Hosts have a speed because the format wants
/// one; it means nothing.
std::string to_simgrid(const Fabric& fabric);

}  // namespace planewise::fabric
