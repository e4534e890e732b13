#include "spec/check_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "spec/nearest_word.h"

namespace planewise::spec {
namespace {

template <class Part>
WordSet ids_of(const std::vector<Part>& parts) {
  WordSet ids;
  for (const Part& part : parts) ids.insert(part.id);
  return ids;
}

WordSet all_ids(const CatalogueSpec& catalogue) {
  WordSet ids = ids_of(catalogue.switches);
  ids.merge(ids_of(catalogue.nics));
  ids.merge(ids_of(catalogue.modules));
  ids.merge(ids_of(catalogue.cables));
  ids.merge(ids_of(catalogue.fibres));
  ids.merge(ids_of(catalogue.infrastructure));
  return ids;
}

/// What a part is, with its article; empty if the catalogue does not have it.
std::string kind_of(const CatalogueSpec& catalogue, const std::string& id) {
  if (catalogue.find_switch(id) != nullptr) return "a switch";
  if (catalogue.find_nic(id) != nullptr) return "a NIC";
  if (catalogue.find_module(id) != nullptr) return "a module";
  if (catalogue.find_cable(id) != nullptr) return "a cable";
  if (catalogue.find_fibre(id) != nullptr) return "a fibre";
  return catalogue.find_infrastructure(id) != nullptr ? "infrastructure" : "";
}

/// `unknown switch 'x'; did you mean 'y'?`
std::string unknown(std::string_view what, const std::string& id, const WordSet& ids) {
  const auto nearest = nearest_word(id, ids);
  return fmt::format("unknown {} {}{}", what, in_quotes(id),
                     nearest ? fmt::format("; did you mean '{}'?", *nearest) : "");
}

std::string in_catalogue(const CatalogueSpec& catalogue) {
  return fmt::format("name a part of {}", catalogue.origin.path);
}

/// A hint that names the first few of `ids`; empty if there are none.
std::string would_do(const std::vector<std::string>& ids) {
  constexpr std::size_t kMost = 5;
  std::string out;
  for (std::size_t i = 0; i < std::min(ids.size(), kMost); ++i) out += (i > 0 ? ", " : "") + ids[i];
  if (out.empty()) return "";
  return fmt::format("of the catalogue {}{} would do", out,
                     ids.size() > kMost ? " and others" : "");
}

std::string in_words(Rate rate) { return fmt::format("{} Gb/s", rate.in(gigabits_per_second(1))); }

}  // namespace

void check_book_and_parts(const PriceBookSpec& book, const CatalogueSpec& catalogue,
                          Diagnostics& diagnostics) {
  const WordSet ids = all_ids(catalogue);
  for (std::size_t i = 0; i < book.parts.size(); ++i) {
    const PartPrice& price = book.parts[i];
    const auto refuse = [&](const char* key, const std::string& message, const std::string& hint) {
      diagnostics.add(book.origin.diagnose(fmt::format("parts[{}].{}", i, key), message, hint));
    };
    if (!ids.contains(price.part)) {
      refuse("part", unknown("part", price.part, ids), in_catalogue(catalogue));
    } else if (price.per_metre.hi > usd(0) && catalogue.find_fibre(price.part) == nullptr) {
      refuse("metre_lo",
             fmt::format("{} is {}; only fibre is sold by the metre", price.part,
                         kind_of(catalogue, price.part)),
             "remove metre_lo, metre_mid and metre_hi");
    }
  }
}

namespace {

void check_discounts(const QuotesSpec& quotes, const PriceBookSpec& book, const WordSet& ids,
                     Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < quotes.discounts.size(); ++i) {
    const Discount& discount = quotes.discounts[i];
    if (discount.group) continue;
    const std::string key = fmt::format("discounts[{}].part", i);
    if (!ids.contains(discount.part)) {
      diagnostics.add(quotes.origin.diagnose(key, unknown("part", discount.part, ids)));
    } else if (book.find(discount.part) == nullptr) {
      diagnostics.add(quotes.origin.diagnose(
          key,
          fmt::format("price book '{}' has no price of {} to take a share off", book.name,
                      discount.part),
          "write what it costs under 'quotes'"));
    }
  }
}

}  // namespace

void check_quotes(const QuotesSpec& quotes, const PriceBookSpec& book,
                  const CatalogueSpec& catalogue, Diagnostics& diagnostics) {
  if (book.roles) {
    diagnostics.add(quotes.origin.diagnose(
        quotes.quotes.empty() ? "discounts" : "quotes",
        fmt::format("price book '{}' has prices by role; quotes are of parts", book.name),
        "use a price book of parts (--prices)"));
    return;
  }
  const WordSet ids = all_ids(catalogue);
  for (std::size_t i = 0; i < quotes.quotes.size(); ++i) {
    const Quote& quote = quotes.quotes[i];
    const std::string item = fmt::format("quotes[{}]", i);
    if (!ids.contains(quote.part)) {
      diagnostics.add(quotes.origin.diagnose(item + ".part", unknown("part", quote.part, ids),
                                             in_catalogue(catalogue)));
    } else if (quote.per_metre > usd(0) && catalogue.find_fibre(quote.part) == nullptr) {
      diagnostics.add(
          quotes.origin.diagnose(item + ".per_metre",
                                 fmt::format("{} is {}; only fibre is sold by the metre",
                                             quote.part, kind_of(catalogue, quote.part)),
                                 "remove it"));
    }
  }
  check_discounts(quotes, book, ids, diagnostics);
}

namespace {

/// What the checks of a topology's equipment look at.
struct Equipped {
  const TopologySpec& topology;
  const CatalogueSpec& catalogue;
  const PriceBookSpec& book;
  Diagnostics& diagnostics;

  void refuse(const std::string& key, const std::string& message,
              const std::string& hint = {}) const {
    diagnostics.add(topology.origin.diagnose(key, message, hint));
  }
};

/// `id` is none of `ids`, which are the parts of kind `wanted`.
void refuse_part(const Equipped& at, const std::string& key, const std::string& id,
                 std::string_view wanted, const WordSet& ids) {
  const std::string is = kind_of(at.catalogue, id);
  if (is.empty()) {
    at.refuse(key, unknown(wanted, id, ids), in_catalogue(at.catalogue));
  } else {
    at.refuse(key, fmt::format("{} is {}; name a {}", id, is, wanted));
  }
}

void check_price(const Equipped& at, const std::string& key, const std::string& id) {
  if (at.book.parts.empty() || at.book.find(id) != nullptr) return;
  at.refuse(key, fmt::format("price book '{}' has no price of {}", at.book.name, id),
            "add it to the book, or use another book (--prices)");
}

/// `64 ports of 800 Gb/s or 128 of 400 Gb/s`
std::string modes_in_words(const SwitchPart& part) {
  std::string words;
  for (const PortMode& mode : part.modes) {
    words += fmt::format("{}{} of {}", words.empty() ? "" : " or ", mode.ports,
                         in_words(mode.link_rate));
  }
  return words;
}

void check_radix(const Equipped& at, const std::string& key, const SwitchPart& part) {
  const Rate rate = at.topology.fabric.link_rate;
  const int radix = at.topology.fabric.radix;
  const int ports = part.ports_at(rate);
  if (ports >= radix) return;
  std::vector<std::string> others;
  for (const SwitchPart& other : at.catalogue.switches) {
    if (other.network == part.network && other.ports_at(rate) >= radix) others.push_back(other.id);
  }
  const std::string message = ports > 0 ? fmt::format("{} has {} ports of {}, not {}", part.id,
                                                      ports, in_words(rate), radix)
                                        : fmt::format("{} has no ports of {}, but {}", part.id,
                                                      in_words(rate), modes_in_words(part));
  at.refuse(key, message, would_do(others));
}

void check_switch(const Equipped& at, const std::string& key, const std::string& id) {
  const SwitchPart* part = at.catalogue.find_switch(id);
  if (part == nullptr) {
    refuse_part(at, key, id, "switch", ids_of(at.catalogue.switches));
  } else if (part->network == "nvlink" || part->network == "optical") {
    at.refuse(key, fmt::format("{} is for {} networks and joins no NICs", id, part->network));
  } else {
    check_radix(at, key, *part);
    check_price(at, key, id);
  }
}

void check_nic(const Equipped& at, const std::string& key, const std::string& id) {
  const NicPart* part = at.catalogue.find_nic(id);
  if (part == nullptr) {
    refuse_part(at, key, id, "NIC", ids_of(at.catalogue.nics));
    return;
  }
  const Rate rate = at.topology.fabric.link_rate;
  const int ports = at.topology.fabric.family == Family::dual_tor ? 2 : 1;
  if (part->link_rate != rate || part->ports < ports) {
    std::vector<std::string> others;
    for (const NicPart& other : at.catalogue.nics) {
      if (other.link_rate == rate && other.ports >= ports) others.push_back(other.id);
    }
    at.refuse(key,
              fmt::format("{} has {} x {}, not {} x {}", id, part->ports, in_words(part->link_rate),
                          ports, in_words(rate)),
              would_do(others));
  }
  check_price(at, key, id);
}

/// What the parts of a topology's links have to go into.
struct Cages {
  std::vector<Cage> switches{};
  Cage nic = Cage::none;

  bool of_switch(Cage cage) const {
    return std::find(switches.begin(), switches.end(), cage) != switches.end();
  }
  bool take(const ModulePart& part) const { return of_switch(part.cage) || part.cage == nic; }
  bool take(const CablePart& part) const {
    return of_switch(part.upper) && (of_switch(part.lower) || part.lower == nic);
  }
};

/// Empty if one of the parts is not in the catalogue, which is a mistake of its own.
std::optional<Cages> find_cages(const EquipmentSpec& equipment, const CatalogueSpec& catalogue) {
  Cages cages;
  for (const std::string& id : {equipment.leaf, equipment.spine, equipment.core}) {
    const SwitchPart* part = catalogue.find_switch(id);
    if (part == nullptr) return std::nullopt;
    if (!cages.of_switch(part->cage)) cages.switches.push_back(part->cage);
  }
  const NicPart* nic = catalogue.find_nic(equipment.nic);
  if (nic == nullptr) return std::nullopt;
  cages.nic = nic->cage;
  return cages;
}

/// `the switches have osfp, the NIC qsfp112`
std::string in_words(const Cages& cages) {
  std::string words;
  for (const Cage cage : cages.switches) {
    words += fmt::format("{}{}", words.empty() ? "" : " and ", cage_name(cage));
  }
  return fmt::format("the switches have {}, the NIC {}", words, cage_name(cages.nic));
}

bool is_rate_of(const FabricSpec& fabric, Rate rate) {
  return rate == fabric.link_rate || rate == fabric.uplink_rate;
}

std::string would_fit(const Equipped& at, const Cages& cages) {
  std::vector<std::string> ids;
  const auto add = [&](const auto& parts) {
    for (const auto& part : parts) {
      if (is_rate_of(at.topology.fabric, part.link_rate) && cages.take(part))
        ids.push_back(part.id);
    }
  };
  add(at.catalogue.modules);
  add(at.catalogue.cables);
  return would_do(ids);
}

/// `plugs`: what the part goes into, in words.
template <class Part>
void check_fit(const Equipped& at, const std::string& key, const Part& part, const Cages& cages,
               const std::string& plugs) {
  const FabricSpec& fabric = at.topology.fabric;
  if (!is_rate_of(fabric, part.link_rate)) {
    at.refuse(key,
              fmt::format("{} is for links of {}, not {}", part.id, in_words(part.link_rate),
                          in_words(fabric.link_rate)),
              would_fit(at, cages));
  } else if (!cages.take(part)) {
    at.refuse(key, fmt::format("{} goes into {}; {}", part.id, plugs, in_words(cages)),
              would_fit(at, cages));
  }
}

void check_link_part(const Equipped& at, const std::string& key, const std::string& id,
                     const std::optional<Cages>& cages) {
  const ModulePart* module = at.catalogue.find_module(id);
  const CablePart* cable = at.catalogue.find_cable(id);
  if (module == nullptr && cable == nullptr) {
    WordSet ids = ids_of(at.catalogue.modules);
    ids.merge(ids_of(at.catalogue.cables));
    refuse_part(at, key, id, "module or cable", ids);
    return;
  }
  check_price(at, key, id);
  if (!cages) return;
  if (module != nullptr) {
    check_fit(at, key, *module, *cages, std::string(cage_name(module->cage)));
  } else {
    check_fit(
        at, key, *cable, *cages,
        fmt::format("{} below and {} above", cage_name(cable->lower), cage_name(cable->upper)));
  }
}

void check_management(const Equipped& at, const ManagementSpec& management) {
  const std::string& id = management.switch_part;
  const SwitchPart* part = at.catalogue.find_switch(id);
  if (id.empty()) {
    at.refuse("management", "no 'switch', though the fabric is built from parts",
              in_catalogue(at.catalogue));
    return;
  }
  if (part == nullptr) {
    refuse_part(at, "management.switch", id, "switch", ids_of(at.catalogue.switches));
    return;
  }
  int ports = 0;
  for (const PortMode& mode : part->modes) ports = std::max(ports, mode.ports);
  if (ports < management.radix) {
    at.refuse("management.switch",
              fmt::format("{} has {} ports, not {}", id, ports, management.radix),
              fmt::format("write 'radix: {}', or name a larger switch", ports));
  }
  check_price(at, "management.switch", id);
}

/// The rack is one, has a price, and as many switches as the floor wants fit in it.
void check_rack(const Equipped& at) {
  const EquipmentSpec& equipment = *at.topology.equipment;
  if (equipment.rack.empty()) return;
  const InfrastructurePart* rack = at.catalogue.find_infrastructure(equipment.rack);
  if (rack == nullptr || rack->rack_units == 0) {
    WordSet racks;
    for (const InfrastructurePart& part : at.catalogue.infrastructure) {
      if (part.rack_units > 0) racks.insert(part.id);
    }
    refuse_part(at, "equipment.rack", equipment.rack, "rack", racks);
    return;
  }
  check_price(at, "equipment.rack", equipment.rack);
  int tallest = 0;
  for (const std::string* id : {&equipment.leaf, &equipment.spine, &equipment.core}) {
    const SwitchPart* part = at.catalogue.find_switch(*id);
    if (part != nullptr) tallest = std::max(tallest, part->rack_units);
  }
  const int switches = at.topology.floor.switches_per_rack;
  if (tallest == 0 || switches * tallest <= rack->rack_units) return;
  const int fitting = rack->rack_units / tallest;
  // The number may be the default, which has no place in the file.
  const bool is_written = at.topology.origin.positions.contains("floor.switches_per_rack");
  at.refuse(is_written ? "floor.switches_per_rack" : "equipment.rack",
            fmt::format("{} switches of {}U do not fit in a rack of {}U", switches, tallest,
                        rack->rack_units),
            fitting == 0 ? "name a taller rack"
                         : fmt::format("write {} or less for floor.switches_per_rack", fitting));
}

}  // namespace

void check_equipment(const TopologySpec& topology, const CatalogueSpec& catalogue,
                     const PriceBookSpec& book, Diagnostics& diagnostics) {
  const EquipmentSpec& equipment = *topology.equipment;
  const Equipped at{topology, catalogue, book, diagnostics};
  check_switch(at, "equipment.leaf", equipment.leaf);
  if (equipment.spine != equipment.leaf) check_switch(at, "equipment.spine", equipment.spine);
  if (equipment.core != equipment.spine) check_switch(at, "equipment.core", equipment.core);
  check_nic(at, "equipment.nic", equipment.nic);
  const std::optional<Cages> cages = find_cages(equipment, catalogue);
  for (std::size_t i = 0; i < equipment.links.size(); ++i) {
    check_link_part(at, fmt::format("equipment.links[{}]", i), equipment.links[i], cages);
  }
  check_rack(at);
  if (topology.management) check_management(at, *topology.management);
}

}  // namespace planewise::spec
