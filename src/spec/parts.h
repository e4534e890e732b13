// What a parts catalogue says: switches, NICs, modules and cables as facts, without prices.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "spec/evidence.h"
#include "spec/input_error.h"

namespace planewise::spec {

/// What a switch's or NIC's port takes, spelled as in YAML. A part fits a cage of the same word.
enum class Cage : std::uint8_t {
  none,  ///< Optics are built in, or there are no pluggable ports.
  qsfp28,
  qsfp56,
  qsfp112,
  qsfp_dd,
  osfp,
  osfp224,  ///< OSFP of 200 Gb/s lanes.
  rj45,
};

/// What a module is joined by, spelled as in YAML.
enum class Media : std::uint8_t { mmf_mpo12, smf_mpo12, smf_lc };

/// Parts that move in price together, spelled as in YAML: discounts, maintenance, spares and the
/// common factor of uncertainty go by group.
enum class PartGroup : std::uint8_t { switches, nics, optics, copper, fibre, infrastructure };
inline constexpr std::array kPartGroups{PartGroup::switches, PartGroup::nics,
                                        PartGroup::optics,   PartGroup::copper,
                                        PartGroup::fibre,    PartGroup::infrastructure};

// As in YAML.
std::string_view cage_name(Cage cage);
std::string_view part_group_name(PartGroup group);

enum class CableKind : std::uint8_t { dac, acc, aoc };

/// Power with its evidence. A part of which it is not known has 0 W and says so in `source`.
struct PartPower {
  Watts typical{};
  Watts maximum{};
  Evidence evidence = Evidence::estimated;
  std::string source{};
};

/// `ports` of `link_rate` that the box gives; one box may have several, such as 64 x 800 or 128 x
/// 400.
struct PortMode {
  Rate link_rate{};
  int ports = 0;
};

struct SwitchPart {
  std::string id{};
  std::string name{};
  std::string network{};  ///< `infiniband`, `ethernet`, `management`, `nvlink`, `optical`.
  std::vector<PortMode> modes{};
  int cages = 0;
  Cage cage = Cage::none;
  int rack_units = 0;  ///< 0: not known.
  PartPower power{};
  std::string source{};

  /// Ports at `link_rate`, or 0 if the box has no such mode.
  int ports_at(Rate link_rate) const;
};

struct NicPart {
  std::string id{};
  std::string name{};
  Rate link_rate{};  ///< Of a port.
  int ports = 1;
  Cage cage = Cage::none;
  PartPower power{};
  std::string source{};
};

/// A transceiver.
struct ModulePart {
  std::string id{};
  std::string name{};  ///< With the maker's part number.
  Cage cage = Cage::none;
  Rate link_rate{};  ///< Of one link.
  int links = 1;     ///< That one module ends: 2 for a twin port.
  Media media = Media::smf_mpo12;
  Metres reach{};
  PartPower power{};  ///< Of one module.
  std::string source{};
};

/// A cable with its ends attached: copper, or active optical.
struct CablePart {
  std::string id{};
  std::string name{};
  CableKind kind = CableKind::dac;
  Rate link_rate{};
  int links = 1;        ///< That one cable carries.
  Cage lower{};         ///< The end at the NIC or at the switch that is named first.
  int lower_links = 1;  ///< Links of one plug there: 1 of a splitter's two, 2 of a twin port.
  Cage upper{};         ///< The end at the switch; its plug has all `links`.
  Metres reach{};
  PartPower power{};  ///< Of one cable, both ends.
  std::string source{};
};

/// Passive fibre between two modules; carries one link.
struct FibrePart {
  std::string id{};
  std::string name{};
  Media media = Media::smf_mpo12;
  std::string source{};
};

/// Racks and what else is bought by the piece.
struct InfrastructurePart {
  std::string id{};
  std::string name{};
  int rack_units = 0;  ///< That a rack offers; 0 for what is no rack.
  std::string source{};
};

struct CatalogueSpec {
  Origin origin{};
  std::string name{};
  std::string date{};  ///< ISO 8601.
  std::string source{};
  std::vector<SwitchPart> switches{};
  std::vector<NicPart> nics{};
  std::vector<ModulePart> modules{};
  std::vector<CablePart> cables{};
  std::vector<FibrePart> fibres{};
  std::vector<InfrastructurePart> infrastructure{};
  std::vector<Metres> cable_lengths{};  ///< That are sold, ascending.

  // Null if there is no such part.
  const SwitchPart* find_switch(const std::string& id) const;
  const NicPart* find_nic(const std::string& id) const;
  const ModulePart* find_module(const std::string& id) const;
  const CablePart* find_cable(const std::string& id) const;
  const FibrePart* find_fibre(const std::string& id) const;
  const InfrastructurePart* find_infrastructure(const std::string& id) const;

  /// The group of a part of any kind; active optical cables are optics. Empty if there is no such
  /// part.
  std::optional<PartGroup> group_of(const std::string& id) const;
};

}  // namespace planewise::spec
