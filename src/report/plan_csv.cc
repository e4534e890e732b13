#include "report/plan_csv.h"

#include <fmt/format.h>

#include <iterator>
#include <vector>

#include "fabric/names.h"
#include "print/csv.h"

namespace planewise::report {
namespace {

using cost::CableEnd;
using cost::PlannedLink;

constexpr const char* kind_name(fabric::EdgeKind kind) {
  switch (kind) {
    case fabric::EdgeKind::endpoint:
      return "endpoint";
    case fabric::EdgeKind::leaf:
      return "leaf";
    case fabric::EdgeKind::spine:
      return "spine";
    case fabric::EdgeKind::local:
      return "local";
    case fabric::EdgeKind::global:
      return "global";
  }
  return "";
}

/// Row and column, both from 1: `r02c13`.
std::string rack_name(const cost::Rack& rack) {
  return fmt::format("r{:02}c{:02}", rack.place.row + 1, rack.place.column + 1);
}

/// Names of all switches, by plane * switches a plane + number, each made once.
std::vector<std::string> switch_names(const fabric::Fabric& fabric) {
  std::vector<std::string> names;
  for (std::int64_t plane = 0; plane < fabric.topology.fabric.planes; ++plane) {
    for (std::int64_t number = 0; number < fabric.plane.switches(); ++number) {
      names.push_back(csv_text(fabric::switch_name(fabric, plane, number)));
    }
  }
  return names;
}

/// What both the cable list and the port list say of an end.
class Places {
 public:
  Places(const fabric::Fabric& fabric, const cost::FloorPlan& floor)
      : floor_(floor), switches_(switch_names(fabric)) {
    for (const cost::Rack& rack : floor.racks) racks_.push_back(rack_name(rack));
  }

  const std::string& switch_at(std::int32_t device) const { return switches_[at(device)]; }
  std::string device(const CableEnd& end) const {
    return end.is_nic ? fmt::format("node{}", end.device) : switches_[at(end.device)];
  }
  const std::string& rack(const CableEnd& end) const {
    const auto& racks = end.is_nic ? floor_.rack_of_node : floor_.rack_of_switch;
    return racks_[at(racks[at(end.device)])];
  }

 private:
  static std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

  const cost::FloorPlan& floor_;
  std::vector<std::string> switches_;
  std::vector<std::string> racks_;
};

std::string parts_text(const PlannedLink& link) {
  if (link.parts == nullptr) return "";
  if (link.parts->cable != nullptr) return link.parts->cable->id;
  const auto module = [](const spec::ModulePart* part) { return part ? part->id : "built in"; };
  return fmt::format("{} + {} + {}", module(link.parts->lower_module), link.parts->fibre->id,
                     module(link.parts->upper_module));
}

/// Of each link its letter within its cable: none if the cable has one link.
std::vector<char> letters(const cost::CablePlan& plan) {
  std::vector<char> used;
  std::vector<char> letter(plan.links.size(), '\0');
  std::vector<std::int32_t> first;
  for (std::size_t i = 0; i < plan.links.size(); ++i) {
    const auto cable = static_cast<std::size_t>(plan.links[i].cable);
    if (used.size() <= cable) {
      used.resize(cable + 1, '\0');
      first.resize(cable + 1, -1);
    }
    if (used[cable] == '\0') {
      used[cable] = 'a';
      first[cable] = static_cast<std::int32_t>(i);
      continue;
    }
    letter[static_cast<std::size_t>(first[cable])] = 'a';
    letter[i] = ++used[cable];
  }
  return letter;
}

}  // namespace

std::string bill_csv(const cost::Bill& bill) {
  std::string out =
      "item,name,use,group,length_m,quantity,unit_price_lo_usd,unit_price_mid_usd,"
      "unit_price_hi_usd,total_usd,price_evidence,power_w,power_maximum_w\n";
  for (const cost::BillLine& line : bill.lines) {
    fmt::format_to(std::back_inserter(out), "{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                   csv_text(line.item), csv_text(line.name), csv_text(line.use),
                   line.group ? spec::part_group_name(*line.group) : std::string_view(),
                   line.length == Metres{} ? "" : fmt::format("{}", line.length.in(metres(1))),
                   line.quantity, line.unit_price.lo.in(usd(1)), line.unit_price.mid.in(usd(1)),
                   line.unit_price.hi.in(usd(1)), line.total.in(usd(1)),
                   spec::evidence_name(line.price_evidence), line.power_typical.in(watts(1)),
                   line.power_maximum.in(watts(1)));
  }
  return out;
}

std::string cable_csv(const fabric::Fabric& fabric, const cost::CablePlan& plan) {
  std::string out =
      "label,cable,kind,from_device,from_port,from_rack,to_device,to_port,to_rack,parts,length_m\n";
  out.reserve(plan.links.size() * 128);
  const Places places(fabric, plan.floor);
  const std::vector<char> letter = letters(plan);
  for (std::size_t i = 0; i < plan.links.size(); ++i) {
    const PlannedLink& link = plan.links[i];
    const std::string_view suffix(&letter[i], letter[i] == '\0' ? 0 : 1);
    fmt::format_to(std::back_inserter(out), "C{:07}{},{},{},{},{},{},{},{},{},{},{}\n",
                   link.cable + 1, suffix, link.cable + 1, kind_name(link.kind),
                   places.device(link.lower), link.lower.port, places.rack(link.lower),
                   places.device(link.upper), link.upper.port, places.rack(link.upper),
                   parts_text(link), link.length.in(metres(1)));
  }
  return out;
}

std::string port_csv(const fabric::Fabric& fabric, const cost::CablePlan& plan) {
  struct Far {
    const PlannedLink* link = nullptr;
    bool is_upper = false;  // This port is at the link's upper end.
  };
  const Places places(fabric, plan.floor);
  const std::int64_t switches = fabric.switch_count();
  std::vector<std::vector<Far>> ports(static_cast<std::size_t>(switches));
  for (std::int64_t device = 0; device < switches; ++device) {
    const int radix = fabric::switch_radix(fabric, device % fabric.plane.switches());
    ports[static_cast<std::size_t>(device)].resize(static_cast<std::size_t>(radix));
  }
  const auto put = [&](const CableEnd& end, const Far& far) {
    ports[static_cast<std::size_t>(end.device)][static_cast<std::size_t>(end.port - 1)] = far;
  };
  for (const PlannedLink& link : plan.links) {
    if (!link.lower.is_nic) put(link.lower, {.link = &link});
    put(link.upper, {.link = &link, .is_upper = true});
  }
  std::string out = "switch,port,kind,peer_device,peer_port,peer_rack,cable,parts\n";
  for (std::int32_t device = 0; device < switches; ++device) {
    const std::vector<Far>& of_switch = ports[static_cast<std::size_t>(device)];
    for (std::size_t port = 0; port < of_switch.size(); ++port) {
      const Far& far = of_switch[port];
      if (far.link == nullptr) {
        fmt::format_to(std::back_inserter(out), "{},{},,,,,,\n", places.switch_at(device),
                       port + 1);
        continue;
      }
      const CableEnd& peer = far.is_upper ? far.link->lower : far.link->upper;
      fmt::format_to(std::back_inserter(out), "{},{},{},{},{},{},{},{}\n", places.switch_at(device),
                     port + 1, kind_name(far.link->kind), places.device(peer), peer.port,
                     places.rack(peer), far.link->cable + 1, parts_text(*far.link));
    }
  }
  return out;
}

std::string rack_csv(const fabric::Fabric& fabric, const cost::FloorPlan& floor,
                     const cost::LinkResolver* resolver) {
  struct Item {
    std::string device{};
    std::string part{};
    int rack_units = 0;
  };
  std::vector<std::vector<Item>> racks(floor.racks.size());
  for (std::size_t node = 0; node < floor.rack_of_node.size(); ++node) {
    racks[static_cast<std::size_t>(floor.rack_of_node[node])].push_back(
        {.device = fmt::format("node{}", node)});
  }
  const std::vector<std::string> names = switch_names(fabric);
  for (std::size_t device = 0; device < names.size(); ++device) {
    Item item{.device = names[device]};
    if (resolver != nullptr) {
      const auto number = static_cast<std::int64_t>(device) % fabric.plane.switches();
      const spec::SwitchPart& part = resolver->switch_part(fabric.plane.layer_of(number));
      item.part = part.id;
      item.rack_units = part.rack_units;
    }
    racks[static_cast<std::size_t>(floor.rack_of_switch[device])].push_back(std::move(item));
  }
  std::string out = "rack,row,column,place,device,part,rack_units\n";
  for (std::size_t rack = 0; rack < racks.size(); ++rack) {
    const cost::RackPlace& place = floor.racks[rack].place;
    for (std::size_t i = 0; i < racks[rack].size(); ++i) {
      const Item& item = racks[rack][i];
      fmt::format_to(std::back_inserter(out), "{},{},{},{},{},{},{}\n",
                     rack_name(floor.racks[rack]), place.row + 1, place.column + 1, i + 1,
                     item.device, csv_text(item.part),
                     item.rack_units == 0 ? "" : std::to_string(item.rack_units));
    }
  }
  return out;
}

}  // namespace planewise::report
