#include "cost/tally.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.h"
#include "fabric/wiring.h"

namespace planewise::cost {
namespace {

using fabric::EdgeKind;

/// Counts by part and by the index of the length, as flat arrays: the walk is all increments.
class Walk {
 public:
  Walk(const fabric::Fabric& fabric, const spec::CatalogueSpec& catalogue,
       const LinkResolver& resolver, const FloorPlan& floor)
      : fabric_(fabric),
        catalogue_(catalogue),
        resolver_(resolver),
        floor_(floor),
        lengths_(catalogue.cable_lengths.size()),
        nic_modules_(catalogue.modules.size()),
        module_links_(catalogue.modules.size() * static_cast<std::size_t>(fabric.switch_count())),
        plugs_(static_cast<std::size_t>(fabric.switch_count())),
        cables_(catalogue.cables.size() * lengths_),
        fibres_(catalogue.fibres.size() * lengths_) {
    PW_CHECK(lengths_ < std::numeric_limits<std::uint8_t>::max());
    index_lengths();
  }

  void walk() {
    // All planes are wired alike, so one visit serves them all; only the racks differ.
    const auto on_every_plane = [this](const auto& add) {
      for (std::int64_t plane = 0; plane < fabric_.topology.fabric.planes; ++plane) {
        first_switch_ = static_cast<std::size_t>(plane * fabric_.plane.switches());
        add();
      }
    };
    fabric::visit_node_bundles(fabric_, 0, [&](std::span<const fabric::NodeBundle> bundles) {
      on_every_plane([&] { add_leaf(bundles); });
    });
    fabric::visit_bundles(fabric_, [&](std::span<const fabric::Bundle> bundles) {
      on_every_plane([&] { add(bundles); });
    });
  }

  LinkTally result() {
    LinkTally tally;
    for (std::size_t m = 0; m < catalogue_.modules.size(); ++m) {
      const spec::ModulePart& module = catalogue_.modules[m];
      if (nic_modules_[m] > 0) tally.nic_modules[&module] = nic_modules_[m];
      std::int64_t count = 0;
      for (std::size_t i = m; i < module_links_.size(); i += catalogue_.modules.size()) {
        count += (module_links_[i] + module.links - 1) / module.links;
      }
      if (count > 0) tally.switch_modules[&module] = count;
    }
    const auto lengths = catalogue_.cable_lengths;
    for (std::size_t i = 0; i < cables_.size(); ++i) {
      if (cables_[i] == 0) continue;
      tally.cables[{&catalogue_.cables[i / lengths_], lengths[i % lengths_]}] = cables_[i];
    }
    for (std::size_t i = 0; i < fibres_.size(); ++i) {
      if (fibres_[i] == 0) continue;
      tally.fibres[{&catalogue_.fibres[i / lengths_], lengths[i % lengths_]}] = fibres_[i];
    }
    count_cages(tally);
    tally.without_parts = without_parts_;
    return tally;
  }

 private:
  /// The index of the length sold for any two racks so many columns and rows apart.
  void index_lengths() {
    const RackPlace last = floor_.racks.empty() ? RackPlace{} : floor_.racks.back().place;
    const std::size_t rows = static_cast<std::size_t>(last.row) + 1;
    columns_ = static_cast<std::size_t>(floor_.racks_per_row);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns_; ++column) {
        const RackPlace to{.row = static_cast<std::int32_t>(row),
                           .column = static_cast<std::int32_t>(column)};
        length_index_.push_back(static_cast<std::uint8_t>(
            resolver_.length_index(cable_length(fabric_.topology.floor, {}, to))));
      }
    }
  }

  std::size_t length_between(std::int32_t from, std::int32_t to) const {
    const RackPlace a = floor_.racks[static_cast<std::size_t>(from)].place;
    const RackPlace b = floor_.racks[static_cast<std::size_t>(to)].place;
    const auto rows = static_cast<std::size_t>(a.row > b.row ? a.row - b.row : b.row - a.row);
    const auto columns =
        static_cast<std::size_t>(a.column > b.column ? a.column - b.column : b.column - a.column);
    return length_index_[rows * columns_ + columns];
  }

  std::int32_t rack_of_switch(std::int32_t number) const {
    return floor_.rack_of_switch[first_switch_ + static_cast<std::size_t>(number)];
  }

  /// The parts of a link, or null after noting that there are none.
  const LinkParts* parts_of(EdgeKind kind, std::size_t length, bool even) {
    const LinkParts* parts = resolver_.at(kind, length, even);
    if (parts == nullptr) note_missing(kind, length);
    return parts;
  }

  void note_missing(EdgeKind kind, std::size_t length) {
    const Metres metres_sold = length < lengths_ ? catalogue_.cable_lengths[length] : metres(0);
    const auto same = [&](const NoParts& other) {
      return other.kind == kind && other.length == metres_sold;
    };
    if (std::any_of(without_parts_.begin(), without_parts_.end(), same)) return;
    without_parts_.push_back({.kind = kind, .length = metres_sold, .ends = resolver_.ends(kind)});
  }

  std::size_t module_index(const spec::ModulePart* module) const {
    return static_cast<std::size_t>(module - catalogue_.modules.data());
  }
  std::int64_t& cables(const LinkParts& parts, std::size_t length) {
    return cables_[static_cast<std::size_t>(parts.cable - catalogue_.cables.data()) * lengths_ +
                   length];
  }
  void add_fibres(const LinkParts& parts, std::size_t length, std::int64_t links) {
    fibres_[static_cast<std::size_t>(parts.fibre - catalogue_.fibres.data()) * lengths_ + length] +=
        links;
  }
  void add_module(const spec::ModulePart* module, std::int32_t number, std::int64_t links) {
    if (module == nullptr) return;  // Built in.
    const std::size_t at = first_switch_ + static_cast<std::size_t>(number);
    module_links_[at * catalogue_.modules.size() + module_index(module)] +=
        static_cast<std::int32_t>(links);
  }
  void add_plugs(std::int32_t number, std::int64_t plugs) {
    plugs_[first_switch_ + static_cast<std::size_t>(number)] += static_cast<std::int32_t>(plugs);
  }

  /// Links of a leaf by the index of their length, where a cable with plugs makes them.
  using Legs = std::array<std::int64_t, 256>;

  void add_leaf(std::span<const fabric::NodeBundle> bundles) {
    const std::int32_t leaf = bundles.front().leaf;
    Legs legs{};
    // Nodes of a rack come one after the other, and are as far from the leaf.
    std::int64_t links = 0;
    std::int32_t rack = -1;
    for (const fabric::NodeBundle& bundle : bundles) {
      const std::int32_t next = floor_.rack_of_node[static_cast<std::size_t>(bundle.node)];
      if (next != rack) add_endpoints(leaf, rack, links, legs);
      if (next != rack) links = 0;
      rack = next;
      links += bundle.links;
    }
    add_endpoints(leaf, rack, links, legs);
    for (std::size_t length = 0; length < lengths_; ++length) {
      if (legs[length] == 0) continue;
      const LinkParts& parts = *resolver_.at(EdgeKind::endpoint, length, false);
      const std::int64_t count = (legs[length] + parts.cable->links - 1) / parts.cable->links;
      cables(parts, length) += count;
      add_plugs(leaf, count);
    }
  }

  void add_endpoints(std::int32_t leaf, std::int32_t rack, std::int64_t links, Legs& legs) {
    if (links == 0) return;
    const std::size_t length = length_between(rack, rack_of_switch(leaf));
    const LinkParts* parts = parts_of(EdgeKind::endpoint, length, false);
    if (parts == nullptr) return;
    if (parts->cable != nullptr) {
      legs[length] += links;
      return;
    }
    if (parts->lower_module != nullptr) nic_modules_[module_index(parts->lower_module)] += links;
    add_module(parts->upper_module, leaf, links);
    add_fibres(*parts, length, links);
  }

  void add(std::span<const fabric::Bundle> bundles) {
    for (const fabric::Bundle& bundle : bundles) {
      const std::size_t length =
          length_between(rack_of_switch(bundle.lower), rack_of_switch(bundle.upper));
      const LinkParts* parts = parts_of(bundle.kind, length, bundle.links % 2 == 0);
      if (parts != nullptr) add_links(bundle, *parts, length);
    }
  }

  void add_links(const fabric::Bundle& bundle, const LinkParts& parts, std::size_t length) {
    if (parts.cable != nullptr) {
      const std::int64_t count = bundle.links / parts.cable->links;
      cables(parts, length) += count;
      add_plugs(bundle.lower, count);
      add_plugs(bundle.upper, count);
      return;
    }
    add_module(parts.lower_module, bundle.lower, bundle.links);
    add_module(parts.upper_module, bundle.upper, bundle.links);
    add_fibres(parts, length, bundle.links);
  }

  std::int64_t cages_of(std::int64_t number) const {
    return resolver_.switch_part(fabric_.plane.layer_of(number)).cages;
  }

  void count_cages(LinkTally& tally) const {
    const std::size_t modules = catalogue_.modules.size();
    std::vector<std::int64_t> cages;
    for (std::int64_t number = 0; number < fabric_.plane.switches(); ++number) {
      cages.push_back(cages_of(number));
    }
    for (std::size_t at = 0; at < plugs_.size(); ++at) {
      const std::int64_t there = cages[at % cages.size()];
      if (there == 0) continue;  // Optics are built in.
      std::int64_t used = plugs_[at];
      for (std::size_t m = 0; m < modules; ++m) {
        const int links = catalogue_.modules[m].links;
        used += (module_links_[at * modules + m] + links - 1) / links;
      }
      tally.cages_short += std::max<std::int64_t>(0, used - there);
      tally.cages_unused += std::max<std::int64_t>(0, there - used);
    }
  }

  const fabric::Fabric& fabric_;
  const spec::CatalogueSpec& catalogue_;
  const LinkResolver& resolver_;
  const FloorPlan& floor_;
  std::size_t lengths_;
  std::size_t columns_ = 1;
  std::vector<std::uint8_t> length_index_;  // By rows and columns apart.
  std::size_t first_switch_ = 0;            // Of the plane that is walked over.
  std::vector<std::int64_t> nic_modules_;
  std::vector<std::int32_t> module_links_;  // [switch][module]
  std::vector<std::int32_t> plugs_;         // [switch] Of cables with ends attached.
  std::vector<std::int64_t> cables_;        // [cable][length]
  std::vector<std::int64_t> fibres_;        // [fibre][length]
  std::vector<NoParts> without_parts_;
};

}  // namespace

LinkTally tally_links(const fabric::Fabric& fabric, const spec::CatalogueSpec& catalogue,
                      const LinkResolver& resolver, const FloorPlan& floor) {
  Walk walk(fabric, catalogue, resolver, floor);
  walk.walk();
  return walk.result();
}

}  // namespace planewise::cost
