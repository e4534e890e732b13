#include "spec/storage.h"

#include "base/check.h"
#include "spec/ports.h"

namespace planewise::spec {

TopologySpec storage_topology(const TopologySpec& topology) {
  PW_CHECK(topology.storage.has_value());
  TopologySpec storage = topology;
  storage.name = topology.name + ", storage";
  storage.storage.reset();
  storage.management.reset();
  storage.nodes.gpus = topology.storage->nics;
  storage.nodes.nics = topology.storage->nics;
  storage.nodes.nvlink.reset();
  storage.fabric.family = Family::fat_tree;
  storage.fabric.planes = 1;
  storage.fabric.uplink_rate = topology.fabric.link_rate;
  storage.fabric.as_printed = false;
  storage.fabric.shape =
      TreeSpec{.layers = 2, .leaf_oversubscription = topology.storage->leaf_oversubscription};
  if (node_capacity(storage) < storage.nodes.count) storage.fabric.tree().layers = 3;
  return storage;
}

}  // namespace planewise::spec
