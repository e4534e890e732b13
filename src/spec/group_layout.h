// How groups of ranks lie on the cluster, for jobs and traffic alike.
#pragma once

#include <cstdint>
#include <string_view>

namespace planewise::spec {

/// How groups of ranks lie on the cluster, spelled as in YAML.
enum class GroupLayout : std::uint8_t {
  packed,  ///< Consecutive ranks.
  spread,  ///< Whole nodes: node k * groups + g belongs to group g.
};

class MapReader;

/// What `key` says, `packed` or `spread`; packed if it is not there.
GroupLayout read_group_layout(MapReader& map, std::string_view key);

}  // namespace planewise::spec
