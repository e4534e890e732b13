// What each device is called, the same in every export and in the cable plan.
#pragma once

#include <cstdint>
#include <string>

#include "fabric/fabric.h"

namespace planewise::fabric {

enum class DeviceKind : std::uint8_t {
  node,
  gpu,       ///< Numbered node * gpus + local.
  nic,       ///< Numbered node * nics + local.
  endpoint,  ///< A NIC's port, numbered as in attach(); the NIC itself where that has one port.
  leaf,
  spine,
  core,
};

struct Device {
  DeviceKind kind = DeviceKind::node;
  std::int64_t plane = 0;  ///< Of a switch.
  std::int64_t index = 0;  ///< From 0; of a switch within its kind and plane.
};

/// The switch with this number in its plane: leaves, spines, cores, as in Bundle.
Device switch_device(const Fabric& fabric, std::int64_t plane, std::int64_t number);

/// Returns `node17`, `node17-gpu3`, `node17-nic3`, of a NIC with two ports `node17-nic3-port1` or
/// `-port2`; `leaf3`, `spine0`, `core12`, in front of them `p0-` if there are several planes.
///
/// The switches of a custom fabric keep the names that the file gives them; any character but ASCII
/// letters, digits, `-`, `_` and `.` is written as in a URL (`%20` for a blank). No two devices of
/// a fabric share a name.
std::string device_name(const Fabric& fabric, const Device& device);

/// device_name() of a switch by its number.
std::string switch_name(const Fabric& fabric, std::int64_t plane, std::int64_t number);

/// What a switch is called besides its plane and number: `leaf`, `spine`, `core`; else the word for
/// the kind.
const char* device_word(DeviceKind kind);

}  // namespace planewise::fabric
