#include "spec/group_layout.h"

#include "spec/yaml_reader.h"

namespace planewise::spec {

GroupLayout read_group_layout(MapReader& map, std::string_view key) {
  if (!map.has(key)) return GroupLayout::packed;
  return map.choice<GroupLayout>(
      key, {{"packed", GroupLayout::packed}, {"spread", GroupLayout::spread}});
}

}  // namespace planewise::spec
