// How long transfers take, and how long they would at least take on an idle fabric.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "simulate/observer.h"
#include "simulate/system.h"

namespace planewise::simulate {

/// Fills in the bounds of `system`, which must not be reduced: a reduced link carries several
/// transfers of a class at once.
///
/// alone = the most over links of (bytes of the transfer on the link / capacity + the least latency
/// of those flows) + tail. No allocation of rates can be faster. `together` counts the bytes of all
/// transfers of the label on the links that this one uses.
void find_bounds(System& system);

/// Transfers of one label over the whole step, from when their last member was there to the end of
/// their tail. Means are over what happened, counting what a transfer stands for.
struct LabelTimes {
  std::string label{};
  std::int64_t transfers = 0;
  Seconds alone{};                             ///< Mean bound of the transfers, see TransferBound.
  Seconds together{};                          ///< Likewise.
  std::optional<fabric::LinkKind> bound_by{};  ///< `together_by` of the one that took longest.
  Seconds mean{};
  Seconds longest{};
};

/// Collects how long transfers took.
class TransferTimes final : public Observer {
 public:
  void run_began(const System& system) override;
  void transfer_ended(const TransferEnd& end) override;

  /// One entry a label whose transfers took any time, in order of the program's labels.
  std::vector<LabelTimes> by_label() const;

 private:
  struct Sum {
    std::int64_t times = 0;
    Seconds total{};
    Seconds longest{};
  };
  const System* system_ = nullptr;
  std::vector<Sum> sums_;  // [transfer]
};

}  // namespace planewise::simulate
