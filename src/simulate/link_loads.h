// What links carry over time, in bins of equal width.
//
// The bytes of a flow are spread evenly over its life, from its first byte to its last: its true
// rate may change meanwhile, so a bin can show a little more than a link can carry. Over the whole
// step the bins add up to exactly what was carried.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "fabric/router.h"
#include "simulate/observer.h"

namespace planewise::simulate {

/// Load of all links of a kind that carried anything. 1 is the capacity.
struct KindLoad {
  fabric::LinkKind kind = fabric::LinkKind::nvlink_up;
  std::int64_t links = 0;
  double mean_load = 0;           ///< Over the links and the whole step.
  std::vector<double> mean{};     ///< [bin] Over the links.
  std::vector<double> maximum{};  ///< [bin] Of the busiest link of that bin.
};

/// Loads over time; the last bin ends with the step and may be shorter.
struct LoadsOverTime {
  Seconds bin_width{};
  std::vector<KindLoad> kinds{};  ///< In order of kind.
};

/// Collects bytes by link and bin. Memory: links x 128 numbers, however long the step.
class LinkLoads final : public Observer {
 public:
  static constexpr std::size_t kBins = 128;

  void run_began(const System& system) override;
  void carried(const Carried& part) override;
  void run_ended(Seconds step_time) override;

  Seconds bin_width() const { return width_; }
  /// Bins up to the end of the step: more than half of kBins unless the step is very short.
  std::size_t bin_count() const;
  /// What `link` of the driven system carried in a bin.
  Bytes bytes(std::size_t link, std::size_t bin) const { return bytes_[link * kBins + bin]; }
  /// The same over what it could have carried.
  double load(std::size_t link, std::size_t bin) const;
  LoadsOverTime by_kind() const;

 private:
  void widen();

  const System* system_ = nullptr;
  Seconds width_ = microseconds(1);  // Doubles when time runs over the last bin.
  Seconds step_time_{};
  std::vector<Bytes> bytes_;  // [link][bin]
};

}  // namespace planewise::simulate
