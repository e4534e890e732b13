#include "spec/hosts.h"

#include <fmt/format.h>

#include <utility>

#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kIndex{.min = 0, .max = 1'000'000};

std::string without_domain(const std::string& host) { return host.substr(0, host.find('.')); }

void fill_hosts(HostsSpec& hosts, MapReader& root) {
  hosts.name = root.text("name");
  hosts.source = root.text("source");
  if (root.has("planes")) {
    for (const std::int64_t plane : root.integers("planes", kIndex)) {
      hosts.planes.push_back(static_cast<int>(plane));
    }
  }
  UniqueNames names;
  for (MapReader map : root.maps("hosts")) {
    HostPlace place{.name = map.text("name")};
    place.leaf = static_cast<int>(map.integer("leaf", kIndex));
    names.check(map, "name", place.name, fmt::format("hosts[{}]", hosts.hosts.size()));
    hosts.hosts.push_back(std::move(place));
  }
}

}  // namespace

HostsSpec read_hosts(Document document, Diagnostics& diagnostics) {
  return read_document<HostsSpec>(std::move(document), kHostsFile, diagnostics, fill_hosts);
}

HostsSpec read_hosts(const std::string& path, Diagnostics& diagnostics) {
  return read_hosts(load_document(path, diagnostics), diagnostics);
}

const HostPlace* find_host(const HostsSpec& hosts, const std::string& host) {
  for (const HostPlace& place : hosts.hosts) {
    if (place.name == host || without_domain(place.name) == without_domain(host)) return &place;
  }
  return nullptr;
}

}  // namespace planewise::spec
