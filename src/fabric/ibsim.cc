// The net file format: /usr/share/doc/ibsim-utils/net-examples/net of Debian's ibsim-utils.
#include <algorithm>
#include <vector>

#include "fabric/exports.h"
#include "fabric/names.h"
#include "fabric/ports.h"

namespace planewise::fabric {
namespace {

// A port number is one byte, and 255 stands for all ports (InfiniBand architecture, volume 1).
constexpr int kMostPorts = 254;
// ibsim 0.10 keeps 64 bytes of a description, the end among them (ibsim/sim.h, nodedesc).
constexpr std::size_t kLongestName = 63;

/// One end of a cable as its device lists it.
struct Line {
  std::int32_t port = 0;
  std::int32_t peer_port = 0;
  std::int32_t peer_plane = 0;
  std::int32_t peer = 0;  // The number of a switch in its plane, or of a NIC.
  bool peer_is_nic = false;
};

class NetFile {
 public:
  explicit NetFile(const Fabric& fabric) : fabric_(fabric) {
    const spec::TopologySpec& topology = fabric.topology;
    ports_per_nic_ = topology.fabric.family == spec::Family::dual_tor ? 2 : 1;
    nics_.resize(static_cast<std::size_t>(fabric.endpoint_count() / ports_per_nic_));
    switches_.resize(static_cast<std::size_t>(fabric.switch_count()));
    visit_cables(fabric, [this](std::span<const Cable> cables) {
      for (const Cable& cable : cables) add(cable);
    });
  }

  std::string text() const {
    std::string out = head();
    for (std::size_t at = 0; at < switches_.size(); ++at) {
      const auto plane = static_cast<std::int64_t>(at) / fabric_.plane.switches();
      const auto number = static_cast<std::int64_t>(at) % fabric_.plane.switches();
      append_device(out, "Switch " + std::to_string(fabric_.topology.fabric.radix),
                    switch_name(fabric_, plane, number), switches_[at]);
    }
    for (std::size_t nic = 0; nic < nics_.size(); ++nic) {
      append_device(out, "Hca " + std::to_string(ports_per_nic_),
                    nic_name(static_cast<std::int64_t>(nic)), nics_[nic]);
    }
    return out;
  }

 private:
  std::string nic_name(std::int64_t nic) const {
    return device_name(fabric_, {.kind = DeviceKind::nic, .index = nic});
  }

  void add(const Cable& cable) {
    const bool from_nic = cable.kind == EdgeKind::endpoint;
    const std::int32_t lower = from_nic ? cable.lower / ports_per_nic_ : cable.lower;
    std::vector<Line>& at_lower =
        from_nic ? nics_[static_cast<std::size_t>(lower)] : lines_of(cable.plane, lower);
    at_lower.push_back({.port = cable.lower_port,
                        .peer_port = cable.upper_port,
                        .peer_plane = cable.plane,
                        .peer = cable.upper});
    lines_of(cable.plane, cable.upper)
        .push_back({.port = cable.upper_port,
                    .peer_port = cable.lower_port,
                    .peer_plane = cable.plane,
                    .peer = lower,
                    .peer_is_nic = from_nic});
  }

  std::vector<Line>& lines_of(std::int64_t plane, std::int64_t number) {
    return switches_[static_cast<std::size_t>(plane * fabric_.plane.switches() + number)];
  }

  /// What ibsim must make room for: it holds 2,048 nodes and 256 switches unless told otherwise.
  std::string head() const {
    const auto switches = static_cast<std::int64_t>(switches_.size());
    const auto nics = static_cast<std::int64_t>(nics_.size());
    const std::int64_t ports =
        switches * (fabric_.topology.fabric.radix + 1) + nics * ports_per_nic_;
    return "# " + std::to_string(switches) + " switches and " + std::to_string(nics) +
           " NICs, for ibsim (ibsim-utils), which has to be told so:\n# ibsim -s -N " +
           std::to_string(switches + nics) + " -S " + std::to_string(switches) + " -P " +
           std::to_string(ports) + " FILE\n";
  }

  void append_device(std::string& out, const std::string& kind, const std::string& name,
                     std::vector<Line> lines) const {
    std::stable_sort(lines.begin(), lines.end(),
                     [](const Line& a, const Line& b) { return a.port < b.port; });
    out += "\n" + kind + " \"" + name + "\"\n";
    for (const Line& line : lines) {
      const std::string peer =
          line.peer_is_nic ? nic_name(line.peer) : switch_name(fabric_, line.peer_plane, line.peer);
      out += "[" + std::to_string(line.port) + "] \"" + peer + "\"[" +
             std::to_string(line.peer_port) + "]\n";
    }
  }

  const Fabric& fabric_;
  int ports_per_nic_ = 1;
  std::vector<std::vector<Line>> switches_;  // By plane, then number in it.
  std::vector<std::vector<Line>> nics_;
};

}  // namespace

Export to_ibsim(const Fabric& fabric) {
  const int radix = fabric.topology.fabric.radix;
  if (radix > kMostPorts) {
    return Refusal{.key = "fabric.radix",
                   .reason = "an InfiniBand switch has at most " + std::to_string(kMostPorts) +
                             " ports, not " + std::to_string(radix),
                   .hint = "choose another form, such as graphml"};
  }
  if (std::holds_alternative<spec::CustomSpec>(fabric.topology.fabric.shape)) {
    for (std::int64_t number = 0; number < fabric.plane.switches(); ++number) {
      const std::string name = switch_name(fabric, 0, number);
      if (name.size() <= kLongestName) continue;
      return Refusal{.key = "fabric.switches",
                     .reason = "'" + name + "' has " + std::to_string(name.size()) +
                               " bytes; ibsim keeps " + std::to_string(kLongestName) +
                               " of a switch's name",
                     .hint = "give it a shorter name"};
    }
  }
  return NetFile(fabric).text();
}

}  // namespace planewise::fabric
