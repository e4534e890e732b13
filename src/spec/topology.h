// What a topology file says: the nodes of a cluster and the fabric that joins them.
#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"
#include "spec/input_error.h"

namespace planewise::spec {

/// Fabric families, spelled as in YAML.
enum class Family : std::uint8_t {
  fat_tree,  ///< One network for all NICs; a node's NICs share a leaf.
  mpft,      ///< Multi-plane: plane i serves NIC i of every node; no link between planes.
  mrft,      ///< Multi-rail: leaf r takes NIC r of its nodes, the spines are shared by all rails.
};

/// How a flow picks among the parallel paths, spelled as in YAML.
enum class Routing : std::uint8_t {
  static_path,  ///< `static`: by destination (D-mod-k).
  ecmp,         ///< By a hash of the flow.
  spray,        ///< Every flow spread evenly over all parallel paths.
};

/// How the uplinks of a layer spread over the switches above it.
enum class Striping : std::uint8_t {
  even,    ///< Each switch above gets as many links of a leaf as any other: the count above divides
           ///< the uplinks.
  greedy,  ///< As few switches above as the ports allow; some get one link more than others.
};

/// The GPU servers. NIC i of a node belongs to GPU i (rail i).
struct NodesSpec {
  std::int64_t count = 0;
  int gpus = 0;              ///< GPUs a node; one NVLink domain.
  int nics = 0;              ///< NIC ports (endpoints) a node, the same as `gpus`.
  Rate nvlink_rate{};        ///< A GPU's NVLink rate per direction.
  Seconds nvlink_latency{};  ///< GPU to GPU in the node, on top of the profile's software latency.
  std::string source{};
};

/// One fat tree, or one of `planes` equal ones.
struct FabricSpec {
  Family family = Family::fat_tree;
  int layers = 2;                     ///< 2 (leaf, spine) or 3 (leaf, spine, core).
  int planes = 1;                     ///< Networks without a link between them; 1 unless `mpft`.
  int radix = 0;                      ///< Ports a switch; even.
  Rate link_rate{};                   ///< Per direction, of every link.
  Seconds switch_latency{};           ///< What one switch and one cable add to a path.
  double leaf_oversubscription = 1;   ///< Ports down over ports up at a leaf; at least 1.
  double spine_oversubscription = 1;  ///< The same at a spine; three layers only.
  Striping striping = Striping::even;
  Routing routing = Routing::spray;
  std::string source{};
};

struct TopologySpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  NodesSpec nodes{};
  FabricSpec fabric{};
  std::string
      price_book_path{};  ///< As found from the topology's folder; empty if the file names none.
};

}  // namespace planewise::spec
