// SimGrid's platform format, version 4.1: simgrid.org/doc/3.32/XML_Reference.html.
#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "fabric/exports.h"
#include "fabric/names.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

std::string plain(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 12);
  return {text.data(), end.ptr};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

/// A link, one direction as fast as the other, and the route that is made of it alone.
struct Route {
  std::string from{};
  std::string to{};
  Rate rate{};
  Seconds latency{};
};

/// SimGrid makes the way back of it, over the link's other direction.
void append(std::string& out, const Route& route) {
  out += "    <route src=\"" + route.from + "\" dst=\"" + route.to + "\"><link_ctn id=\"" +
         route.from + "~" + route.to + "\" direction=\"UP\"/></route>\n";
}

/// A pair of switches of a plane, the lower number first, and all links between them.
struct Trunk {
  std::int32_t from = 0;
  std::int32_t to = 0;
  std::int64_t links = 0;

  bool joins_as(const Trunk& other) const { return from == other.from && to == other.to; }
};

/// Every pair of joined switches of a plane once; a fabric may list one several times.
std::vector<Trunk> trunks_of(const Fabric& fabric) {
  std::vector<Trunk> listed;
  visit_bundles(fabric, [&](std::span<const Bundle> bundles) {
    for (const Bundle& bundle : bundles) {
      listed.push_back({.from = std::min(bundle.lower, bundle.upper),
                        .to = std::max(bundle.lower, bundle.upper),
                        .links = bundle.links});
    }
  });
  std::stable_sort(listed.begin(), listed.end(), [](const Trunk& a, const Trunk& b) {
    return a.from != b.from ? a.from < b.from : a.to < b.to;
  });
  std::vector<Trunk> trunks;
  for (const Trunk& trunk : listed) {
    if (!trunks.empty() && trunks.back().joins_as(trunk)) {
      trunks.back().links += trunk.links;
    } else {
      trunks.push_back(trunk);
    }
  }
  return trunks;
}

std::string gpu_name(const Fabric& fabric, std::int64_t gpu) {
  return device_name(fabric, {.kind = DeviceKind::gpu, .index = gpu});
}

std::string nvlink_name(const Fabric& fabric, std::int64_t node) {
  return device_name(fabric, {.kind = DeviceKind::node, .index = node}) + "-nvlink";
}

/// The routes between neighbours. A switch's latency is on its links, half at each end.
std::vector<Route> routes_of(const Fabric& fabric) {
  const spec::NodesSpec& nodes = fabric.topology.nodes;
  const spec::FabricSpec& spec = fabric.topology.fabric;
  std::vector<Route> routes;
  if (nodes.gpus > 1) {
    for (std::int64_t gpu = 0; gpu < fabric.gpu_count(); ++gpu) {
      routes.push_back({.from = gpu_name(fabric, gpu),
                        .to = nvlink_name(fabric, gpu / nodes.gpus),
                        .rate = nodes.nvlink_rate,
                        .latency = nodes.nvlink_latency / 2});
    }
  }
  const std::int64_t ports_per_nic = fabric.endpoint_count() / fabric.gpu_count();
  for (std::int64_t endpoint = 0; endpoint < fabric.endpoint_count(); ++endpoint) {
    const Attachment at = attach(fabric, endpoint);
    routes.push_back({.from = gpu_name(fabric, endpoint / ports_per_nic),
                      .to = switch_name(fabric, at.plane, at.leaf),
                      .rate = spec.link_rate,
                      .latency = spec.switch_latency / 2});
  }
  const std::vector<Trunk> trunks = trunks_of(fabric);
  for (std::int64_t plane = 0; plane < spec.planes; ++plane) {
    for (const Trunk& trunk : trunks) {
      routes.push_back({.from = switch_name(fabric, plane, trunk.from),
                        .to = switch_name(fabric, plane, trunk.to),
                        .rate = spec.uplink_rate * static_cast<double>(trunk.links),
                        .latency = spec.switch_latency});
    }
  }
  return routes;
}

/// Hosts and routers. SimGrid keeps to the first of two paths of as many links that it finds, and
/// looks at what comes first in the file first: so a node's NVLink goes before the switches.
void append_netpoints(std::string& out, const Fabric& fabric) {
  const auto append_router = [&](const std::string& name) {
    out += "    <router id=\"" + name + "\"/>\n";
  };
  for (std::int64_t gpu = 0; gpu < fabric.gpu_count(); ++gpu) {
    out += "    <host id=\"" + gpu_name(fabric, gpu) + "\" speed=\"1Tf\"/>\n";
  }
  if (fabric.topology.nodes.gpus > 1) {
    for (std::int64_t node = 0; node < fabric.topology.nodes.count; ++node) {
      append_router(nvlink_name(fabric, node));
    }
  }
  for (std::int64_t plane = 0; plane < fabric.topology.fabric.planes; ++plane) {
    for (std::int64_t number = 0; number < fabric.plane.switches(); ++number) {
      append_router(switch_name(fabric, plane, number));
    }
  }
}

}  // namespace

std::string to_simgrid(const Fabric& fabric) {
  const std::vector<Route> routes = routes_of(fabric);
  std::string out =
      "<?xml version=\"1.0\"?>\n"
      "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
      "<!-- Parallel links are one link with the sum of their rates. The hosts' speed means "
      "nothing. -->\n<platform version=\"4.1\">\n  <zone id=\"" +
      escaped(fabric.topology.name) + "\" routing=\"Dijkstra\">\n";
  append_netpoints(out, fabric);
  for (const Route& route : routes) {
    out += "    <link id=\"" + route.from + "~" + route.to + "\" bandwidth=\"" +
           plain(route.rate.in(bytes_per_second(1))) + "Bps\" latency=\"" +
           plain(route.latency.in(seconds(1))) + "s\" sharing_policy=\"SPLITDUPLEX\"/>\n";
  }
  for (const Route& route : routes) append(out, route);
  return out + "  </zone>\n</platform>\n";
}

}  // namespace planewise::fabric
