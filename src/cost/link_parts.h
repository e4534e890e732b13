// Which parts a link is made of: a cable with its plugs, or two modules and a fibre.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cost/prices.h"
#include "fabric/fabric.h"
#include "spec/parts.h"
#include "spec/topology.h"

namespace planewise::cost {

/// What a link's two ends plug into.
struct LinkEnds {
  spec::Cage lower = spec::Cage::none;  ///< `none`: optics are built in, for smf_mpo12.
  spec::Cage upper = spec::Cage::none;
  Rate link_rate{};
  bool lower_is_nic = false;  ///< A NIC's cage has one port, a switch's may have several.
};

/// A way to build a link. Either `cable`, or `fibre` with a module at each end that has a cage.
struct LinkParts {
  const spec::CablePart* cable = nullptr;
  const spec::ModulePart* lower_module = nullptr;
  const spec::ModulePart* upper_module = nullptr;
  const spec::FibrePart* fibre = nullptr;
  Metres length{};  ///< As sold.
};

/// A link that no allowed part can make: a row of the refusal.
struct NoParts {
  fabric::EdgeKind kind{};
  Metres length{};  ///< As sold; 0 if it is longer than any that is sold.
  LinkEnds ends{};
};

/// Picks the cheapest way by mid prices for each kind of link, length and number of parallel links,
/// once for all.
class LinkResolver {
 public:
  LinkResolver(const fabric::Fabric& fabric, const spec::CatalogueSpec& catalogue,
               const PriceList& prices);

  /// Of `length` the next length that is sold counts, and the reach must hold for it. `even` says
  /// that the link comes with a twin between the same two switches, so that a twin-port cable fits;
  /// a splitter, whose legs may go to two NICs, needs no twin. Null if no part does it.
  const LinkParts* find(fabric::EdgeKind kind, Metres length, bool even) const;
  /// The index of the shortest length sold that is at least `length`; their number if there is
  /// none.
  std::size_t length_index(Metres length) const;
  /// The same as find() by that index.
  const LinkParts* at(fabric::EdgeKind kind, std::size_t length_index, bool even) const;
  const LinkEnds& ends(fabric::EdgeKind kind) const;
  /// The catalogue's part for a layer.
  const spec::SwitchPart& switch_part(spec::Layer layer) const;
  /// Ports at the link rate in one of its cages; 1 if it has none.
  int ports_per_cage(spec::Layer layer) const;

 private:
  std::optional<LinkParts> cheapest(const LinkEnds& ends, Metres length, bool even) const;

  const spec::CatalogueSpec& catalogue_;
  const PriceList& prices_;
  std::array<const spec::SwitchPart*, 3> switches_{};  ///< By Layer.
  Rate link_rate_{};
  std::vector<std::string> allowed_;  ///< Modules and cables; empty: all.
  std::array<LinkEnds, 5> ends_{};    ///< By EdgeKind.
  std::vector<std::optional<LinkParts>> table_;
};

}  // namespace planewise::cost
