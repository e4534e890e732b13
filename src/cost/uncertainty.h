// How sure a cost is: percentiles, which fabric is cheaper how surely, what it hangs on.
//
// Each price is lognormal above and below its median with the book's lo, mid and hi as the 10th,
// 50th and 90th percentile. The prices of a group (PartGroup) share a normal factor with
// `common_share` of the variance; each part has one of its own, whatever its lengths. A role has no
// group. All fabrics are priced by the same draws, and a part's draws depend on the seed and its id
// alone: a fabric's range is the same whichever others stand beside it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cost/cost.h"

namespace planewise::cost {

struct UncertaintyOptions {
  std::int64_t draws = 10'000;
  std::uint64_t seed = 1;
  double common_share = 0.8;  ///< From 0 to 1.
};

struct CostRange {
  Usd p10{};
  Usd p50{};
  Usd p90{};
};

/// What the total becomes if one part costs its lo or its hi.
struct Swing {
  std::string item{};
  Usd at_lo{};
  Usd at_hi{};
};

struct Uncertainty {
  std::vector<CostRange> ranges{};  ///< [bills] Of the total.
  /// [bills][bills] The share of draws in which bill i costs less an endpoint than bill j; equal
  /// costs, to nine decimals, count half.
  std::vector<std::vector<double>> cheaper{};
  std::vector<std::vector<Swing>> swings{};  ///< [bills] Widest first; none of parts without range.
};

/// Draws the prices of `bills`, each with its number of endpoints in `endpoints`; 10,000 draws of
/// ten bills take 20 ms. Requires 0 < lo <= mid <= hi of every price, or 0 of all.
Uncertainty assess(const std::vector<const Bill*>& bills,
                   const std::vector<std::int64_t>& endpoints, const UncertaintyOptions& options);

/// The mid price of a part at which two bills cost the same an endpoint, all else at mid.
struct BreakEven {
  std::string item{};
  Usd mid{};    ///< Today's.
  Usd price{};  ///< At which they are equal; more than 0.
};

/// Of every part of which the two spend unlike sums an endpoint; nearest to today's price, as a
/// ratio, first. None of a part that no price above 0 makes equal.
///
/// A part with lines of several prices (fibre by length) is scaled as a whole: its least mid price
/// stands for it, and the others go in proportion.
std::vector<BreakEven> break_even(const Bill& a, std::int64_t a_endpoints, const Bill& b,
                                  std::int64_t b_endpoints);

}  // namespace planewise::cost
