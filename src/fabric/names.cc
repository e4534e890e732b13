#include "fabric/names.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/check.h"

namespace planewise::fabric {
namespace {

std::string number(std::int64_t n) { return std::to_string(n); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_plain(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
         c == '.';
}

std::string percent(char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  return {'%', kDigits[byte / 16], kDigits[byte % 16]};
}

/// A listed name as one word. One that looks like a node's has its first letter written in hex.
std::string one_word(const std::string& listed) {
  const std::string_view node = device_word(DeviceKind::node);
  const bool like_node =
      listed.starts_with(node) && listed.size() > node.size() && is_digit(listed[node.size()]);
  std::string word;
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const bool keep = is_plain(listed[i]) && !(like_node && i == 0);
    word += keep ? std::string(1, listed[i]) : percent(listed[i]);
  }
  return word;
}

std::int64_t number_in_plane(const PlaneLayout& plane, const Device& device) {
  if (device.kind == DeviceKind::leaf) return device.index;
  return plane.leaves + (device.kind == DeviceKind::core ? plane.spines() : 0) + device.index;
}

std::string on_node(std::int64_t index, int per_node, const char* part) {
  return "node" + number(index / per_node) + part + number(index % per_node);
}

}  // namespace

const char* device_word(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::node:
      return "node";
    case DeviceKind::gpu:
      return "gpu";
    case DeviceKind::nic:
      return "nic";
    case DeviceKind::endpoint:
      return "endpoint";
    case DeviceKind::leaf:
      return "leaf";
    case DeviceKind::spine:
      return "spine";
    case DeviceKind::core:
      return "core";
  }
  PW_UNREACHABLE("a device of no kind");
}

Device switch_device(const Fabric& fabric, std::int64_t plane, std::int64_t number) {
  const PlaneLayout& layout = fabric.plane;
  if (number < layout.leaves) return {.kind = DeviceKind::leaf, .plane = plane, .index = number};
  const std::int64_t above = number - layout.leaves;
  if (above < layout.spines()) return {.kind = DeviceKind::spine, .plane = plane, .index = above};
  return {.kind = DeviceKind::core, .plane = plane, .index = above - layout.spines()};
}

std::string device_name(const Fabric& fabric, const Device& device) {
  const spec::TopologySpec& topology = fabric.topology;
  const int nics = topology.nodes.nics;
  const bool two_ports = topology.fabric.family == spec::Family::dual_tor;
  switch (device.kind) {
    case DeviceKind::node:
      return "node" + number(device.index);
    case DeviceKind::gpu:
      return on_node(device.index, topology.nodes.gpus, "-gpu");
    case DeviceKind::nic:
      return on_node(device.index, nics, "-nic");
    case DeviceKind::endpoint:
      if (!two_ports) return on_node(device.index, nics, "-nic");
      return on_node(device.index / 2, nics, "-nic") + "-port" + number(device.index % 2 + 1);
    default:
      break;
  }
  const std::string plane = topology.fabric.planes > 1 ? "p" + number(device.plane) + "-" : "";
  if (const auto* custom = std::get_if<spec::CustomSpec>(&topology.fabric.shape)) {
    const auto at = static_cast<std::size_t>(number_in_plane(fabric.plane, device));
    return plane + one_word(custom->switches[at].name);
  }
  return plane + device_word(device.kind) + number(device.index);
}

std::string switch_name(const Fabric& fabric, std::int64_t plane, std::int64_t number) {
  return device_name(fabric, switch_device(fabric, plane, number));
}

}  // namespace planewise::fabric
