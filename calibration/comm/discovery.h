// What the system tells of a GPU's ways out: its nearest NIC and that NIC's rate.
#pragma once

#include <string>
#include <vector>

#include "calibration/comm/cluster.h"

namespace planewise::calibration {

/// Where the kernel shows devices; tests have folders of their own.
struct SystemFolders {
  std::string pci{"/sys/bus/pci/devices"};
  std::string infiniband{"/sys/class/infiniband"};
  std::string nvml{"libnvidia-ml.so.1"};
};

/// The place of the GPU on bus `gpu_bus`, without its host. The nearest NIC is the one whose PCI
/// path is the same the longest way from the root; of several the first by name. Rates are those of
/// the port's link and of all NVLinks that are up. What is not there stays empty.
RankPlace find_place(const std::string& gpu_bus, const SystemFolders& folders);

/// `400 Gb/sec (4X NDR)` -> 50 GB/s; 0 if it says something else.
Rate port_rate(const std::string& text);

}  // namespace planewise::calibration
