// What a list of hosts says: on which leaf each host of a cluster is, and on which plane its NICs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/input_error.h"

namespace planewise::spec {

struct HostPlace {
  std::string name{};  ///< As the host calls itself, with or without its domain.
  int leaf = 0;        ///< Of each plane that it is on.
};

struct HostsSpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  std::vector<int> planes{};  ///< [GPU of a node] Of its NIC; empty: all on one.
  std::vector<HostPlace> hosts{};
};

/// The place of `host`, by its name or by its name without the domain; null if it is not listed.
const HostPlace* find_host(const HostsSpec& hosts, const std::string& host);

}  // namespace planewise::spec
