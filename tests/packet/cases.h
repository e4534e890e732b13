// What is simulated twice: flows between the hosts of a small fabric, all of one size and start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "fabric/fabric.h"
#include "fabric/router.h"

namespace planewise::packet {

/// From host to host; a host is a node with one GPU and one NIC.
struct Transfer {
  std::int64_t source = 0;
  std::int64_t destination = 0;
};

enum class Pattern : std::uint8_t {
  incast_8,    ///< From 8 hosts, spread over the fabric, to one.
  incast_15,   ///< From 15.
  shift,       ///< Every host to the one half of the fabric further on.
  random,      ///< A permutation drawn at random.
  all_to_all,  ///< Every host to every other at once.
};

std::string pattern_word(Pattern pattern);

struct FabricSize {
  int layers = 2;
  int hosts = 16;  ///< 16, 32 or 64.
};

struct Case {
  FabricSize size{};
  Pattern pattern = Pattern::incast_8;
  spec::Routing routing = spec::Routing::static_path;
  Bytes flow_size{};
  fabric::Fabric fabric{};
  std::vector<Transfer> transfers{};
};

/// Returns the case of `pattern` on the fat tree of `size`: links of 400 Gb/s, 0.45 us a switch
/// (arXiv 2505.09343, Table 5: half of 3.7 less 2.8 us), no oversubscription.
Case make_case(const FabricSize& size, Pattern pattern, spec::Routing routing, Bytes flow_size);

/// All cases of the table: two and three layers, 16 to 64 hosts, every pattern, large flows (4 MiB,
/// of all-to-alls 8 MiB a host) and small ones (32 KiB). D-mod-k (`static`), under which the
/// switches have no contention, and `ecmp`, under which flows collide.
std::vector<Case> all_cases();

/// The one path of all packets of a transfer, in both simulations.
fabric::Route route(const fabric::Router& router, const Transfer& transfer);

}  // namespace planewise::packet
