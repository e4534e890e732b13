#include "spec/custom_fabric.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/text.h"

namespace planewise::spec {
namespace {

constexpr int kMostRadix = 4096;

/// A switch as listed, with its reader, to point at.
struct Listed {
  CustomSwitch spec{};
  MapReader map;
  std::int64_t ports_used = 0;
  std::size_t group = 0;  // Root of its component, while links are read.
};

Listed read_switch(MapReader map, int radix) {
  Listed listed{.map = map};
  listed.spec.name = map.text("name");
  listed.spec.radix =
      map.has("radix") ? map.small_integer("radix", {.min = 1, .max = kMostRadix}) : radix;
  if (map.has("endpoints")) {
    listed.spec.endpoints = map.integer("endpoints", {.min = 0, .max = kMostRadix});
  }
  listed.spec.layer = listed.spec.endpoints > 0 ? Layer::leaf : Layer::spine;
  if (map.has("layer")) {
    listed.spec.layer = map.choice<Layer>(
        "layer", {{"leaf", Layer::leaf}, {"spine", Layer::spine}, {"core", Layer::core}});
  }
  if (listed.spec.layer != Layer::leaf && listed.spec.endpoints > 0) {
    map.error("endpoints", "only leaves have endpoints", "write 'layer: leaf', or remove it");
  }
  listed.ports_used = listed.spec.endpoints;
  return listed;
}

class CustomReader {
 public:
  explicit CustomReader(MapReader& map) : map_(map) {}

  CustomSpec read() {
    const int radix = map_.small_integer("radix", {.min = 2, .max = kMostRadix});
    for (MapReader& item : map_.maps("switches")) add_switch(read_switch(item, radix));
    CustomSpec custom;
    for (MapReader& item : map_.maps("links")) {
      if (const auto links = read_links(item)) custom.links.push_back(*links);
    }
    if (switches_.empty() && map_.read_well({"switches"})) {
      map_.error("switches", "no switch is listed", "list at least one, with endpoints");
    } else if (map_.read_well({"switches", "links"})) {
      check_ports();
      check_connected();
    }
    sort_by_layer(custom);
    return custom;
  }

 private:
  void add_switch(Listed listed) {
    const std::string& name = listed.spec.name;
    const auto [entry, is_new] = by_name_.try_emplace(name, switches_.size());
    if (!is_new && !name.empty()) {
      listed.map.error("name", fmt::format("a second switch {}", in_quotes(name)),
                       "give each switch a name of its own");
      are_names_unique_ = is_whole_ = false;
    }
    names_.insert(name);
    listed.group = switches_.size();
    switches_.push_back(std::move(listed));
  }

  std::optional<std::size_t> find(MapReader& item, std::string_view key) {
    const std::string name = item.text(key);
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) return found->second;
    if (item.read_well({key})) {
      const auto nearest = nearest_word(name, names_);
      item.error(key,
                 fmt::format("no switch {}{}", in_quotes(name),
                             nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""),
                 "name one that is listed under 'switches'");
    }
    is_whole_ = false;
    return std::nullopt;
  }

  std::optional<CustomLinks> read_links(MapReader& item) {
    const auto from = find(item, "from");
    const auto to = find(item, "to");
    std::int64_t count = 1;
    if (item.has("links")) count = item.integer("links", {.min = 1, .max = kMostRadix});
    if (!from || !to) return std::nullopt;
    if (*from == *to) {
      if (are_names_unique_) {
        item.error("to", "a link from a switch to itself", "name another switch");
      }
      is_whole_ = false;
      return std::nullopt;
    }
    switches_[*from].ports_used += count;
    switches_[*to].ports_used += count;
    switches_[root(*from)].group = root(*to);
    return CustomLinks{.from = static_cast<std::int64_t>(*from),
                       .to = static_cast<std::int64_t>(*to),
                       .links = count};
  }

  std::size_t root(std::size_t index) {
    while (switches_[index].group != index) {
      switches_[index].group = switches_[switches_[index].group].group;
      index = switches_[index].group;
    }
    return index;
  }

  void check_ports() {
    if (!are_names_unique_ || !map_.read_well({"radix"})) return;
    for (Listed& listed : switches_) {
      const bool is_known = listed.map.read_well({"radix", "endpoints"});
      if (!is_known || listed.ports_used <= listed.spec.radix) continue;
      listed.map.error("name",
                       fmt::format("{} ports are used on {}, which has {}", listed.ports_used,
                                   in_quotes(listed.spec.name), listed.spec.radix),
                       "use fewer links or endpoints, or a larger radix");
    }
  }

  void check_connected() {
    if (!is_whole_) return;
    for (std::size_t i = 1; i < switches_.size(); ++i) {
      if (root(i) == root(0)) continue;
      switches_[i].map.error(
          "name",
          fmt::format("the graph is not connected: no path of links joins {} to {}",
                      in_quotes(switches_[i].spec.name), in_quotes(switches_[0].spec.name)),
          "add the missing links; planes apart are a fabric of family 'mpft'");
      return;
    }
  }

  void sort_by_layer(CustomSpec& custom) {
    std::vector<std::size_t> order(switches_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return switches_[a].spec.layer < switches_[b].spec.layer;
    });
    std::vector<std::int64_t> place(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      place[order[i]] = static_cast<std::int64_t>(i);
      custom.switches.push_back(switches_[order[i]].spec);
    }
    for (CustomLinks& links : custom.links) {
      links.from = place[static_cast<std::size_t>(links.from)];
      links.to = place[static_cast<std::size_t>(links.to)];
      const bool is_downwards = custom.switches[static_cast<std::size_t>(links.from)].layer >
                                custom.switches[static_cast<std::size_t>(links.to)].layer;
      if (is_downwards) std::swap(links.from, links.to);
    }
  }

  MapReader& map_;
  std::vector<Listed> switches_;
  std::map<std::string, std::size_t> by_name_;
  WordSet names_;
  bool are_names_unique_ = true;
  bool is_whole_ = true;  // Every name was understood, so the components are known.
};

}  // namespace

CustomSpec read_custom_fabric(MapReader& map) { return CustomReader(map).read(); }

}  // namespace planewise::spec
