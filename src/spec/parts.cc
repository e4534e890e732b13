#include "spec/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "base/check.h"
#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kPorts{.min = 1, .max = 4096};
constexpr IntegerRange kLinks{.min = 1, .max = 8};
constexpr IntegerRange kRackUnits{.min = 1, .max = 100};

Cage read_cage(MapReader& map, std::string_view key) {
  return map.choice<Cage>(key, {{"none", Cage::none},
                                {"qsfp28", Cage::qsfp28},
                                {"qsfp56", Cage::qsfp56},
                                {"qsfp112", Cage::qsfp112},
                                {"qsfp_dd", Cage::qsfp_dd},
                                {"osfp", Cage::osfp},
                                {"osfp224", Cage::osfp224},
                                {"rj45", Cage::rj45}});
}

/// The cage that a module or a plug goes into.
Cage read_plug(MapReader& map, std::string_view key) {
  const Cage cage = read_cage(map, key);
  if (map.read_well({key}) && cage == Cage::none) {
    map.error(key, "a module or a plug goes into a cage, not into 'none'");
  }
  return cage;
}

Media read_media(MapReader& map) {
  return map.choice<Media>("media", {{"mmf_mpo12", Media::mmf_mpo12},
                                     {"smf_mpo12", Media::smf_mpo12},
                                     {"smf_lc", Media::smf_lc}});
}

PartPower read_power(MapReader& map) {
  PartPower power;
  power.typical = map.quantity<Watts>("power_typical", Sign::not_negative);
  power.maximum = map.has("power_maximum")
                      ? map.quantity<Watts>("power_maximum", Sign::not_negative)
                      : power.typical;
  check_powers(map, power.typical, power.maximum);
  power.evidence = read_part_evidence(map, "power_evidence");
  power.source = map.text("power_source");
  return power;
}

void read_modes(SwitchPart& part, MapReader& map) {
  for (MapReader reader : map.maps("modes")) {
    PortMode mode;
    mode.link_rate = reader.quantity<Rate>("link_rate");
    mode.ports = reader.small_integer("ports", kPorts);
    if (reader.read_well({"link_rate"}) && part.ports_at(mode.link_rate) > 0) {
      reader.error("link_rate", "the same rate as another mode of this switch");
    }
    const bool cages_known = map.read_well({"cage", "cages"}) && part.cages > 0;
    if (cages_known && reader.read_well({"ports"}) && mode.ports % part.cages != 0) {
      reader.error("ports",
                   fmt::format("{} ports do not divide over {} cages", mode.ports, part.cages));
    }
    part.modes.push_back(mode);
  }
  if (map.read_well({"modes"}) && part.modes.empty()) map.error("modes", "no modes");
}

SwitchPart read_switch(MapReader& map) {
  SwitchPart part;
  part.id = map.text("id");
  part.name = map.text("name");
  part.network = map.choice<std::string_view>("network", {{"infiniband", "infiniband"},
                                                          {"ethernet", "ethernet"},
                                                          {"management", "management"},
                                                          {"nvlink", "nvlink"},
                                                          {"optical", "optical"}});
  part.cage = read_cage(map, "cage");
  if (!map.read_well({"cage"})) {
    map.allow({"cages"});
  } else if (part.cage == Cage::none) {
    map.not_used({"cages"}, "with 'cage: none' there are none to count");
  } else {
    part.cages = map.small_integer("cages", kPorts);
  }
  read_modes(part, map);
  if (map.has("rack_units")) part.rack_units = map.small_integer("rack_units", kRackUnits);
  part.power = read_power(map);
  part.source = map.text("source");
  return part;
}

NicPart read_nic(MapReader& map) {
  NicPart part;
  part.id = map.text("id");
  part.name = map.text("name");
  part.link_rate = map.quantity<Rate>("link_rate");
  part.ports = map.small_integer("ports", kLinks);
  part.cage = read_cage(map, "cage");
  part.power = read_power(map);
  part.source = map.text("source");
  return part;
}

ModulePart read_module(MapReader& map) {
  ModulePart part;
  part.id = map.text("id");
  part.name = map.text("name");
  part.cage = read_plug(map, "cage");
  part.link_rate = map.quantity<Rate>("link_rate");
  part.links = map.small_integer("links", kLinks);
  part.media = read_media(map);
  part.reach = map.quantity<Metres>("reach");
  part.power = read_power(map);
  part.source = map.text("source");
  return part;
}

CablePart read_cable(MapReader& map) {
  CablePart part;
  part.id = map.text("id");
  part.name = map.text("name");
  part.kind = map.choice<CableKind>(
      "kind", {{"dac", CableKind::dac}, {"acc", CableKind::acc}, {"aoc", CableKind::aoc}});
  part.link_rate = map.quantity<Rate>("link_rate");
  part.links = map.small_integer("links", kLinks);
  part.lower = read_plug(map, "lower_cage");
  part.lower_links = map.small_integer("lower_links", kLinks);
  part.upper = read_plug(map, "upper_cage");
  if (map.read_well({"links", "lower_links"}) && part.links % part.lower_links != 0) {
    map.error("lower_links",
              fmt::format("{} links do not divide over plugs of {}", part.links, part.lower_links));
  }
  part.reach = map.quantity<Metres>("reach");
  part.power = read_power(map);
  part.source = map.text("source");
  return part;
}

FibrePart read_fibre(MapReader& map) {
  FibrePart part;
  part.id = map.text("id");
  part.name = map.text("name");
  part.media = read_media(map);
  part.source = map.text("source");
  return part;
}

InfrastructurePart read_infrastructure(MapReader& map) {
  InfrastructurePart part;
  part.id = map.text("id");
  part.name = map.text("name");
  if (map.has("rack_units")) part.rack_units = map.small_integer("rack_units", kRackUnits);
  part.source = map.text("source");
  return part;
}

/// One of the lists of parts; each part's id is in `ids` from here on.
template <class Part>
std::vector<Part> read_list(MapReader& root, std::string_view key, UniqueNames& ids,
                            Part (*read)(MapReader&)) {
  std::vector<Part> parts;
  for (MapReader map : root.maps(key)) {
    parts.push_back(read(map));
    ids.check(map, "id", parts.back().id, fmt::format("{}[{}]", key, parts.size() - 1));
  }
  return parts;
}

void read_lengths(CatalogueSpec& catalogue, MapReader& root) {
  std::vector<Metres>& lengths = catalogue.cable_lengths;
  lengths = root.quantities<Metres>("cable_lengths");
  if (!root.read_well({"cable_lengths"})) return;
  if (lengths.empty()) root.error("cable_lengths", "no lengths");
  const auto descent = std::adjacent_find(lengths.begin(), lengths.end(), std::greater_equal<>());
  if (descent == lengths.end()) return;
  root.error("cable_lengths", fmt::format("{} m before {} m; lengths ascend", descent->base(),
                                          std::next(descent)->base()));
}

void fill_catalogue(CatalogueSpec& catalogue, MapReader& root) {
  catalogue.name = root.text("name");
  catalogue.date = read_date(root, "date");
  catalogue.source = root.text("source");
  read_lengths(catalogue, root);
  UniqueNames ids;
  catalogue.switches = read_list(root, "switches", ids, read_switch);
  catalogue.nics = read_list(root, "nics", ids, read_nic);
  catalogue.modules = read_list(root, "modules", ids, read_module);
  catalogue.cables = read_list(root, "cables", ids, read_cable);
  catalogue.fibres = read_list(root, "fibres", ids, read_fibre);
  catalogue.infrastructure = read_list(root, "infrastructure", ids, read_infrastructure);
}

template <class Part>
const Part* find_part(const std::vector<Part>& parts, const std::string& id) {
  for (const Part& part : parts) {
    if (part.id == id) return &part;
  }
  return nullptr;
}

}  // namespace

CatalogueSpec read_parts(Document document, Diagnostics& diagnostics) {
  return read_document<CatalogueSpec>(std::move(document), kCatalogueFile, diagnostics,
                                      fill_catalogue);
}

CatalogueSpec read_parts(const std::string& path, Diagnostics& diagnostics) {
  return read_parts(load_document(path, diagnostics), diagnostics);
}

int SwitchPart::ports_at(Rate link_rate) const {
  for (const PortMode& mode : modes) {
    if (mode.link_rate == link_rate) return mode.ports;
  }
  return 0;
}

const SwitchPart* CatalogueSpec::find_switch(const std::string& id) const {
  return find_part(switches, id);
}
const NicPart* CatalogueSpec::find_nic(const std::string& id) const { return find_part(nics, id); }
const ModulePart* CatalogueSpec::find_module(const std::string& id) const {
  return find_part(modules, id);
}
const CablePart* CatalogueSpec::find_cable(const std::string& id) const {
  return find_part(cables, id);
}
const FibrePart* CatalogueSpec::find_fibre(const std::string& id) const {
  return find_part(fibres, id);
}
const InfrastructurePart* CatalogueSpec::find_infrastructure(const std::string& id) const {
  return find_part(infrastructure, id);
}

std::optional<PartGroup> CatalogueSpec::group_of(const std::string& id) const {
  if (find_switch(id) != nullptr) return PartGroup::switches;
  if (find_nic(id) != nullptr) return PartGroup::nics;
  if (find_module(id) != nullptr) return PartGroup::optics;
  if (find_fibre(id) != nullptr) return PartGroup::fibre;
  if (find_infrastructure(id) != nullptr) return PartGroup::infrastructure;
  const CablePart* cable = find_cable(id);
  if (cable == nullptr) return std::nullopt;
  return cable->kind == CableKind::aoc ? PartGroup::optics : PartGroup::copper;
}

std::string_view cage_name(Cage cage) {
  switch (cage) {
    case Cage::none:
      return "none";
    case Cage::qsfp28:
      return "qsfp28";
    case Cage::qsfp56:
      return "qsfp56";
    case Cage::qsfp112:
      return "qsfp112";
    case Cage::qsfp_dd:
      return "qsfp_dd";
    case Cage::osfp:
      return "osfp";
    case Cage::osfp224:
      return "osfp224";
    case Cage::rj45:
      return "rj45";
  }
  PW_UNREACHABLE("Cage has eight values");
}

std::string_view part_group_name(PartGroup group) {
  switch (group) {
    case PartGroup::switches:
      return "switches";
    case PartGroup::nics:
      return "nics";
    case PartGroup::optics:
      return "optics";
    case PartGroup::copper:
      return "copper";
    case PartGroup::fibre:
      return "fibre";
    case PartGroup::infrastructure:
      return "infrastructure";
  }
  PW_UNREACHABLE("PartGroup has six values");
}

}  // namespace planewise::spec
