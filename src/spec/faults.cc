#include "spec/faults.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/overloads.h"
#include "spec/read.h"
#include "spec/read_file.h"
#include "spec/shapes.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kAny{.min = 0, .max = kMostEndpoints};

struct LayerKeys {
  Layer layer;
  std::string_view one;
  std::string_view two;
};
constexpr std::array<LayerKeys, 3> kLayers = {{{Layer::leaf, "leaf", "leaves"},
                                               {Layer::spine, "spine", "spines"},
                                               {Layer::core, "core", "cores"}}};

std::string_view layer_word(Layer layer) { return kLayers[static_cast<std::size_t>(layer)].one; }

SwitchTarget read_switch(MapReader map) {
  SwitchTarget target;
  target.plane = map.integer("plane", kAny);
  target.layer = map.choice<Layer>(
      "layer", {{"leaf", Layer::leaf}, {"spine", Layer::spine}, {"core", Layer::core}});
  target.index = map.integer("index", kAny);
  return target;
}

/// Two of `leaf`, `spine`, `core`, or two numbers at one of `leaves`, `spines`, `cores`.
SwitchLinkTarget read_switch_link(MapReader& map) {
  const std::int64_t plane = map.integer("plane", kAny);
  std::vector<SwitchTarget> ends;
  bool is_right = true;
  for (const LayerKeys& keys : kLayers) {
    if (map.has(keys.one)) {
      ends.push_back({.plane = plane, .layer = keys.layer, .index = map.integer(keys.one, kAny)});
      is_right = is_right && map.read_well({keys.one});
    }
    if (!map.has(keys.two)) continue;
    const std::vector<std::int64_t> pair = map.integers(keys.two, kAny);
    is_right = is_right && map.read_well({keys.two});
    for (const std::int64_t index : pair) {
      ends.push_back({.plane = plane, .layer = keys.layer, .index = index});
    }
  }
  SwitchLinkTarget target;
  if (map.has("number")) target.number = map.integer("number", kAny);
  if (is_right && ends.size() != 2) {
    map.error("leaf", fmt::format("a link has two ends, here are {}", ends.size()),
              "write two of leaf, spine and core, or two numbers such as 'leaves: [3, 5]'; of an "
              "endpoint 'node' with 'nic' or 'gpu'");
  }
  if (ends.size() != 2) return target;
  target.lower = ends[0];
  target.upper = ends[1];
  return target;
}

FaultTarget read_link(MapReader map) {
  if (!map.has("node")) return read_switch_link(map);
  const std::int64_t node = map.integer("node", kAny);
  if (map.has("gpu")) {
    map.not_used({"nic", "plane"}, "the NVLink of a GPU has no NIC and is in no plane");
    return GpuTarget{.node = node, .gpu = map.integer("gpu", kAny)};
  }
  NicTarget target{.node = node, .nic = map.integer("nic", kAny)};
  if (map.has("plane")) target.plane = map.integer("plane", kAny);
  return target;
}

FaultTarget read_target(MapReader& map) {
  const std::array<bool, 3> has = {map.has("switch"), map.has("plane"), map.has("link")};
  const int targets = (has[0] ? 1 : 0) + (has[1] ? 1 : 0) + (has[2] ? 1 : 0);
  if (targets != 1) {
    map.allow({"switch", "plane", "link"});
    map.error(targets == 0 || has[2] ? "link" : "plane",
              fmt::format("an event is of one thing, here are {}", targets),
              "write one of 'switch', 'plane' and 'link'; another event for another thing");
    return PlaneTarget{};
  }
  if (has[0]) return read_switch(map.map("switch"));
  if (has[1]) return PlaneTarget{.plane = map.integer("plane", kAny)};
  return read_link(map.map("link"));
}

FaultEvent read_event(MapReader map) {
  FaultEvent event;
  event.at = map.quantity<Seconds>("at", Sign::not_negative);
  if (map.has("until")) event.until = map.quantity<Seconds>("until");
  if (map.has("rate")) event.rate = map.number("rate", {.min = 0, .max = 1});
  if (event.until && map.read_well({"at", "until"}) && *event.until <= event.at) {
    map.error("until", "not after 'at'", "write a later time, or leave it out: it stays so");
  }
  event.target = read_target(map);
  return event;
}

void fill_faults(FaultsSpec& faults, MapReader& root) {
  faults.name = root.text("name");
  if (root.has("reroute_after")) {
    faults.reroute_after = root.quantity<Seconds>("reroute_after", Sign::not_negative);
  }
  for (MapReader& event : root.maps("events")) faults.events.push_back(read_event(event));
}

std::string switch_text(const SwitchTarget& target) {
  return fmt::format("{} {}", layer_word(target.layer), target.index);
}

}  // namespace

std::string target_name(const FaultTarget& target) {
  return std::visit(
      Overloads{
          [](const PlaneTarget& t) { return fmt::format("plane {}", t.plane); },
          [](const SwitchTarget& t) { return fmt::format("plane {} {}", t.plane, switch_text(t)); },
          [](const SwitchLinkTarget& t) {
            return fmt::format("plane {} {} - {}", t.lower.plane, switch_text(t.lower),
                               switch_text(t.upper)) +
                   (t.number ? fmt::format(", link {}", *t.number) : "");
          },
          [](const NicTarget& t) {
            return fmt::format("node {} nic {}", t.node, t.nic) +
                   (t.plane ? fmt::format(" in plane {}", *t.plane) : "");
          },
          [](const GpuTarget& t) { return fmt::format("node {} gpu {} nvlink", t.node, t.gpu); }},
      target);
}

FaultsSpec read_faults(Document document, Diagnostics& diagnostics) {
  return read_document<FaultsSpec>(std::move(document), kFaultsFile, diagnostics, fill_faults);
}

FaultsSpec read_faults(const std::string& path, Diagnostics& diagnostics) {
  return read_faults(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
