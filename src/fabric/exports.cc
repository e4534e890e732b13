#include "fabric/exports.h"

#include "base/check.h"
#include "fabric/dot.h"

namespace planewise::fabric {

Export export_as(const Fabric& fabric, ExportForm form) {
  if (fabric.topology.fabric.as_printed) {
    return Refusal{.key = "fabric.as_printed",
                   .reason = "a published formula gives counts and no graph",
                   .hint = "leave it out to get a fabric that can be built"};
  }
  switch (form) {
    case ExportForm::svg:
      return to_svg(fabric);
    case ExportForm::dot:
      return to_dot(fabric);
    case ExportForm::graphml:
      return to_graphml(fabric);
    case ExportForm::ibsim:
      return to_ibsim(fabric);
    case ExportForm::htsim:
      return to_htsim(fabric);
    case ExportForm::simgrid:
      return to_simgrid(fabric);
  }
  PW_UNREACHABLE("no such form");
}

}  // namespace planewise::fabric
