#include "engine/fast/certificate.h"

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace planewise::engine {
namespace {

/// Rounding of sums over thousands of flows stays well below that.
constexpr double kTolerance = 1e-10;

struct Use {
  Rate rate{};     ///< Of all flows together.
  Rate fastest{};  ///< Of one member.
};

}  // namespace

void certify(const FlowTable& flows, const LinkTable& links) {
  std::vector<Use> uses(links.shared_count());
  const auto slot_count = static_cast<FlowSlot>(flows.slot_count());
  for (FlowSlot slot = 0; slot < slot_count; ++slot) {
    const FlowState& flow = flows.flow(slot);
    if (flow.members == 0 || flow.bottleneck == kElsewhere) continue;
    PW_CHECK(flow.bottleneck != kNoLink);
    const Rate rate = links.level(flow.bottleneck).level;
    PW_CHECK(rate < kOpen);
    for (const Hop& hop : flows.hops(slot)) {
      if (!links.is_shared(hop.link)) {
        PW_CHECK(rate <= links.level(hop.link).level * (1 + kTolerance));
        continue;
      }
      Use& use = uses[static_cast<std::size_t>(hop.link)];
      use.rate += rate * hop.weight;
      use.fastest = std::max(use.fastest, rate);
    }
  }
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const auto link = static_cast<LinkId>(i);
    const Rate capacity = links.capacity(link);
    PW_CHECK(uses[i].rate <= capacity * (1 + kTolerance));
    if (links.residents(link).empty()) continue;
    PW_CHECK(uses[i].rate >= capacity * (1 - kTolerance));
    PW_CHECK(uses[i].fastest <= links.level(link).level * (1 + kTolerance));
  }
}

}  // namespace planewise::engine
