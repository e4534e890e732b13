#include "cost/link_parts.h"

#include <algorithm>

#include "base/check.h"

namespace planewise::cost {
using fabric::EdgeKind;

LinkResolver::LinkResolver(const fabric::Fabric& fabric, const spec::CatalogueSpec& catalogue,
                           const PriceList& prices)
    : catalogue_(catalogue),
      prices_(prices),
      link_rate_(fabric.topology.fabric.link_rate),
      allowed_(fabric.topology.equipment->links) {
  const spec::EquipmentSpec& equipment = *fabric.topology.equipment;
  const spec::NicPart* nic = catalogue.find_nic(equipment.nic);
  PW_CHECK(nic != nullptr);
  switches_ = {catalogue.find_switch(equipment.leaf), catalogue.find_switch(equipment.spine),
               catalogue.find_switch(equipment.core)};
  const spec::Cage leaf = switch_part(spec::Layer::leaf).cage;
  const spec::Cage spine = switch_part(spec::Layer::spine).cage;
  const spec::Cage core = switch_part(spec::Layer::core).cage;
  const bool spines_are_joined = fabric.topology.fabric.family == spec::Family::dragonfly_plus;
  const spec::Cage global = spines_are_joined ? spine : leaf;
  const Rate rate = fabric.topology.fabric.uplink_rate;
  const auto set = [&](EdgeKind kind, const LinkEnds& ends) {
    ends_[static_cast<std::size_t>(kind)] = ends;
  };
  set(EdgeKind::endpoint, {.lower = nic->cage,
                           .upper = leaf,
                           .link_rate = fabric.topology.fabric.link_rate,
                           .lower_is_nic = true});
  set(EdgeKind::leaf, {.lower = leaf, .upper = spine, .link_rate = rate});
  set(EdgeKind::spine, {.lower = spine, .upper = core, .link_rate = rate});
  set(EdgeKind::local, {.lower = leaf, .upper = leaf, .link_rate = rate});
  set(EdgeKind::global, {.lower = global, .upper = global, .link_rate = rate});
  for (const LinkEnds& ends : ends_) {
    for (const bool even : {false, true}) {
      for (const Metres length : catalogue.cable_lengths) {
        table_.push_back(cheapest(ends, length, even));
      }
    }
  }
}

std::size_t LinkResolver::length_index(Metres length) const {
  // A millimetre of slack, so that a length that was added up is not taken for a longer one.
  const auto first = std::lower_bound(catalogue_.cable_lengths.begin(),
                                      catalogue_.cable_lengths.end(), length - metres(1e-3));
  return static_cast<std::size_t>(first - catalogue_.cable_lengths.begin());
}

const LinkParts* LinkResolver::at(EdgeKind kind, std::size_t length_index, bool even) const {
  const std::size_t lengths = catalogue_.cable_lengths.size();
  if (length_index >= lengths) return nullptr;
  const std::size_t row = 2 * static_cast<std::size_t>(kind) + (even ? 1 : 0);
  const std::optional<LinkParts>& parts = table_[row * lengths + length_index];
  return parts ? &*parts : nullptr;
}

const LinkParts* LinkResolver::find(EdgeKind kind, Metres length, bool even) const {
  return at(kind, length_index(length), even);
}

const LinkEnds& LinkResolver::ends(EdgeKind kind) const {
  return ends_[static_cast<std::size_t>(kind)];
}

const spec::SwitchPart& LinkResolver::switch_part(spec::Layer layer) const {
  const spec::SwitchPart* part = switches_[static_cast<std::size_t>(layer)];
  PW_CHECK(part != nullptr);
  return *part;
}

int LinkResolver::ports_per_cage(spec::Layer layer) const {
  const spec::SwitchPart& part = switch_part(layer);
  return part.cages == 0 ? 1 : std::max(1, part.ports_at(link_rate_) / part.cages);
}

namespace {

constexpr spec::Media kBuiltIn = spec::Media::smf_mpo12;

/// What limits the choice: only these parts (if any are named), only those with a price.
struct Choice {
  const std::vector<std::string>& allowed;
  const PriceList& prices;
  Metres length{};

  bool may_use(const std::string& part) const {
    const bool is_allowed =
        allowed.empty() || std::find(allowed.begin(), allowed.end(), part) != allowed.end();
    return is_allowed && prices.prices.contains(part);
  }
};

bool fits(const spec::CablePart& cable, const LinkEnds& ends, bool even) {
  const bool plugs_fit = (cable.lower == ends.lower && cable.upper == ends.upper) ||
                         (!ends.lower_is_nic && cable.lower_links == cable.links &&
                          cable.upper == ends.lower && cable.lower == ends.upper);
  if (!plugs_fit || !(cable.link_rate == ends.link_rate)) return false;
  if (ends.lower_is_nic) return cable.lower_links == 1;
  // Between switches: both plugs have all links, and a twin needs two parallel links.
  return cable.lower_links == cable.links && (cable.links == 1 || (cable.links == 2 && even));
}

/// The cheapest module a link for one end; null where optics are built in.
struct EndModule {
  const spec::ModulePart* part = nullptr;
  Usd per_link{};
};
std::optional<EndModule> cheapest_module(const spec::CatalogueSpec& catalogue, const Choice& choice,
                                         const LinkEnds& ends, bool lower, spec::Media media) {
  const spec::Cage cage = lower ? ends.lower : ends.upper;
  if (cage == spec::Cage::none) {
    return media == kBuiltIn ? std::optional(EndModule{}) : std::nullopt;
  }
  const bool is_nic = lower && ends.lower_is_nic;
  std::optional<EndModule> best;
  for (const spec::ModulePart& module : catalogue.modules) {
    const bool fits_here = module.cage == cage && module.media == media &&
                           module.link_rate == ends.link_rate && module.reach >= choice.length &&
                           (!is_nic || module.links == 1);
    if (!fits_here || !choice.may_use(module.id)) continue;
    const Usd price = choice.prices.price_of(module.id).mid / module.links;
    if (!best || price < best->per_link) best = EndModule{.part = &module, .per_link = price};
  }
  return best;
}

}  // namespace

std::optional<LinkParts> LinkResolver::cheapest(const LinkEnds& ends, Metres length,
                                                bool even) const {
  const Choice choice{.allowed = allowed_, .prices = prices_, .length = length};
  std::optional<LinkParts> best;
  Usd best_price{};
  const auto offer = [&](const LinkParts& parts, Usd price) {
    if (best && !(price < best_price)) return;
    best = parts;
    best_price = price;
  };
  for (const spec::CablePart& cable : catalogue_.cables) {
    if (!fits(cable, ends, even) || cable.reach < length || !choice.may_use(cable.id)) continue;
    offer({.cable = &cable, .length = length}, prices_.price_of(cable.id).mid / cable.links);
  }
  for (const spec::FibrePart& fibre : catalogue_.fibres) {
    if (!prices_.prices.contains(fibre.id)) continue;
    const auto lower = cheapest_module(catalogue_, choice, ends, true, fibre.media);
    const auto upper = cheapest_module(catalogue_, choice, ends, false, fibre.media);
    if (!lower || !upper) continue;
    offer({.lower_module = lower->part,
           .upper_module = upper->part,
           .fibre = &fibre,
           .length = length},
          lower->per_link + upper->per_link + prices_.price_of(fibre.id, length).mid);
  }
  return best;
}

}  // namespace planewise::cost
