// Graphviz as a library: graphviz.org/pdf/libguide.pdf.
#include <graphviz/gvc.h>

#include <memory>
#include <stdexcept>

#include "fabric/dot.h"
#include "fabric/exports.h"

namespace planewise::fabric {
namespace {

struct FreeContext {
  void operator()(GVC_t* context) const { gvFreeContext(context); }
};
struct CloseGraph {
  void operator()(Agraph_t* graph) const { agclose(graph); }
};

[[noreturn]] void fail(const std::string& call) {
  const char* why = aglasterr();
  throw std::runtime_error(call + " of Graphviz failed: " +
                           (why == nullptr ? "are its plugins installed (dot -c)?" : why));
}

}  // namespace

std::string to_svg(const Fabric& fabric) {
  // What it warns of, such as a font that is missing, is kept and not printed.
  agseterr(AGMAX);
  const std::unique_ptr<GVC_t, FreeContext> context(gvContext());
  const std::unique_ptr<Agraph_t, CloseGraph> graph(agmemread(to_dot(fabric).c_str()));
  if (!graph) fail("agmemread");
  // The graph's own `layout` goes before the one that is named here.
  if (gvLayout(context.get(), graph.get(), "dot") != 0) fail("gvLayout");
  char* data = nullptr;
  unsigned int size = 0;
  const bool is_drawn = gvRenderData(context.get(), graph.get(), "svg", &data, &size) == 0;
  std::string text;
  if (is_drawn) text.assign(data, size);
  gvFreeRenderData(data);
  gvFreeLayout(context.get(), graph.get());
  if (!is_drawn) fail("gvRenderData");
  return text;
}

}  // namespace planewise::fabric
