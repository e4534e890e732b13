#include "fabric/fault_cables.h"

#include <functional>
#include <optional>

#include "fabric/link_names.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

/// A number in the file, where it stands, and how many of such things there are.
struct Numbered {
  std::string key{};
  std::string what{};   // `leaf`.
  std::string where{};  // `in each plane`; may be empty.
  std::int64_t index = 0;
  std::int64_t count = 0;
};

std::optional<Refusal> out_of_range(const Numbered& n) {
  if (n.index < n.count) return std::nullopt;
  const std::string where = n.where.empty() ? "" : " " + n.where;
  if (n.count == 0) {
    return Refusal{.key = n.key, .reason = "the fabric has no " + n.what + where, .hint = {}};
  }
  return Refusal{.key = n.key,
                 .reason = "no " + n.what + " " + std::to_string(n.index) + where,
                 .hint = n.count == 1 ? "write 0" : "write 0 to " + std::to_string(n.count - 1)};
}

std::int64_t switches_of(const PlaneLayout& plane, Layer layer) {
  if (layer == Layer::leaf) return plane.leaves;
  return layer == Layer::spine ? plane.spines() : plane.cores;
}

std::int64_t number_of(const PlaneLayout& plane, const spec::SwitchTarget& target) {
  if (target.layer == Layer::leaf) return target.index;
  return plane.leaves + (target.layer == Layer::core ? plane.spines() : 0) + target.index;
}

const char* layer_word(Layer layer) {
  if (layer == Layer::leaf) return "leaf";
  return layer == Layer::spine ? "spine" : "core";
}

/// Where the file names one of the two switches that a link joins.
std::string link_key(const spec::SwitchLinkTarget& target, Layer layer) {
  if (target.lower.layer != target.upper.layer) return std::string("link.") + layer_word(layer);
  if (layer == Layer::leaf) return "link.leaves";
  return layer == Layer::spine ? "link.spines" : "link.cores";
}

/// Finds cables and refusals for one target after the other; each member is one kind of target.
class Finder {
 public:
  using Found = std::variant<std::vector<Cable>, Refusal>;

  explicit Finder(const Fabric& fabric) : fabric_(fabric) {}

  Found operator()(const spec::PlaneTarget& target) const {
    if (const auto refusal = check_plane("plane", target.plane)) return *refusal;
    std::vector<Cable> cables =
        endpoints([&](const Attachment& at) { return at.plane == target.plane; });
    append_links(
        target.plane, [](const Bundle&) { return true; }, cables);
    return cables;
  }

  Found operator()(const spec::SwitchTarget& target) const {
    if (const auto refusal = check_switch("switch.index", "switch.plane", target)) return *refusal;
    const std::int64_t number = number_of(fabric_.plane, target);
    std::vector<Cable> cables = endpoints(
        [&](const Attachment& at) { return at.plane == target.plane && at.leaf == number; });
    append_links(
        target.plane,
        [&](const Bundle& bundle) { return bundle.lower == number || bundle.upper == number; },
        cables);
    return cables;
  }

  Found operator()(const spec::SwitchLinkTarget& target) const {
    for (const spec::SwitchTarget& end : {target.lower, target.upper}) {
      const std::string key = link_key(target, end.layer);
      if (const auto refusal = check_switch(key, "link.plane", end)) return *refusal;
    }
    const std::int64_t one = number_of(fabric_.plane, target.lower);
    const std::int64_t other = number_of(fabric_.plane, target.upper);
    std::vector<Cable> cables;
    append_links(
        target.lower.plane,
        [&](const Bundle& bundle) {
          return (bundle.lower == one && bundle.upper == other) ||
                 (bundle.lower == other && bundle.upper == one);
        },
        cables);
    if (cables.empty()) {
      return Refusal{.key = link_key(target, target.upper.layer),
                     .reason = "no link joins " + switch_in_words(fabric_, one) + " and " +
                               switch_in_words(fabric_, other),
                     .hint = {}};
    }
    if (!target.number) return cables;
    const auto count = static_cast<std::int64_t>(cables.size());
    if (const auto refusal = out_of_range({.key = "link.number",
                                           .what = "link",
                                           .where = "between these switches",
                                           .index = *target.number,
                                           .count = count})) {
      return *refusal;
    }
    return std::vector<Cable>{cables[static_cast<std::size_t>(*target.number)]};
  }

  Found operator()(const spec::NicTarget& target) const {
    const spec::NodesSpec& nodes = fabric_.topology.nodes;
    if (const auto refusal = check_node(target.node)) return *refusal;
    if (const auto refusal = out_of_range({.key = "link.nic",
                                           .what = "NIC",
                                           .where = "in a node",
                                           .index = target.nic,
                                           .count = nodes.nics})) {
      return *refusal;
    }
    const std::int64_t nic = target.node * nodes.nics + target.nic;
    const bool two_ports = fabric_.topology.fabric.family == spec::Family::dual_tor;
    if (target.plane && !two_ports) {
      return Refusal{.key = "link.plane",
                     .reason = "a NIC of this family has one port, in one plane",
                     .hint = "remove it"};
    }
    if (target.plane) {
      if (const auto refusal = check_plane("link.plane", *target.plane)) return *refusal;
      return std::vector<Cable>{{.kind = LinkKind::nic_up, .index = 2 * nic + *target.plane}};
    }
    if (!two_ports) return std::vector<Cable>{{.kind = LinkKind::nic_up, .index = nic}};
    return std::vector<Cable>{{.kind = LinkKind::nic_up, .index = 2 * nic},
                              {.kind = LinkKind::nic_up, .index = 2 * nic + 1}};
  }

  Found operator()(const spec::GpuTarget& target) const {
    const std::int64_t gpus = fabric_.topology.nodes.gpus;
    if (const auto refusal = check_node(target.node)) return *refusal;
    if (const auto refusal = out_of_range({.key = "link.gpu",
                                           .what = "GPU",
                                           .where = "in a node",
                                           .index = target.gpu,
                                           .count = gpus})) {
      return *refusal;
    }
    return std::vector<Cable>{
        {.kind = LinkKind::nvlink_up, .index = target.node * gpus + target.gpu}};
  }

 private:
  std::optional<Refusal> check_plane(const std::string& key, std::int64_t plane) const {
    return out_of_range(
        {.key = key, .what = "plane", .index = plane, .count = fabric_.topology.fabric.planes});
  }
  std::optional<Refusal> check_node(std::int64_t node) const {
    return out_of_range(
        {.key = "link.node", .what = "node", .index = node, .count = fabric_.topology.nodes.count});
  }
  std::optional<Refusal> check_switch(const std::string& key, const std::string& plane_key,
                                      const spec::SwitchTarget& target) const {
    if (auto refusal = check_plane(plane_key, target.plane)) return refusal;
    return out_of_range({.key = key,
                         .what = layer_word(target.layer),
                         .where = "in a plane",
                         .index = target.index,
                         .count = switches_of(fabric_.plane, target.layer)});
  }

  std::vector<Cable> endpoints(const std::function<bool(const Attachment&)>& is_wanted) const {
    std::vector<Cable> cables;
    for (std::int64_t endpoint = 0; endpoint < fabric_.endpoint_count(); ++endpoint) {
      if (!is_wanted(attach(fabric_, endpoint))) continue;
      cables.push_back({.kind = LinkKind::nic_up, .index = endpoint});
    }
    return cables;
  }
  void append_links(std::int64_t plane, const std::function<bool(const Bundle&)>& is_wanted,
                    std::vector<Cable>& cables) const {
    visit_bundles(fabric_, [&](std::span<const Bundle> bundles) {
      for (const Bundle& bundle : bundles) {
        if (!is_wanted(bundle)) continue;
        for (std::int64_t i = 0; i < bundle.links; ++i) {
          cables.push_back({.kind = link_kind(bundle.kind, true),
                            .index = plane * fabric_.plane.links(bundle.kind) + bundle.first +
                                     i * bundle.stride});
        }
      }
    });
  }

  const Fabric& fabric_;
};

}  // namespace

std::variant<std::vector<Cable>, Refusal> find_cables(const Fabric& fabric,
                                                      const spec::FaultTarget& target) {
  return std::visit(Finder(fabric), target);
}

}  // namespace planewise::fabric
