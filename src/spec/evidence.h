// How a value came to be known. The same words serve profiles, parts, prices and reports.
#pragma once

#include <cstdint>
#include <string_view>

namespace planewise::spec {

/// Spelled as in YAML.
enum class Evidence : std::uint8_t {
  measured,   ///< By us, on the named machine.
  published,  ///< Printed in the named source; of a rate, also a printed time under our count.
  fitted,     ///< Solved for from published or measured operators, collectives or prices.
  quoted,     ///< A supplier's offer to the user.
  secondary,  ///< A note that names a primary source, which was not read.
  recalled,   ///< From memory, not checked.
  estimated,  ///< Judgement, or a value used outside the conditions it was measured in.
};

constexpr std::string_view evidence_name(Evidence evidence) {
  switch (evidence) {
    case Evidence::measured:
      return "measured";
    case Evidence::published:
      return "published";
    case Evidence::fitted:
      return "fitted";
    case Evidence::quoted:
      return "quoted";
    case Evidence::secondary:
      return "secondary";
    case Evidence::recalled:
      return "recalled";
    case Evidence::estimated:
      return "estimated";
  }
  return "";
}

/// Whether a total that holds such a value rests on an estimate in part.
constexpr bool is_estimate(Evidence evidence) {
  return evidence == Evidence::estimated || evidence == Evidence::recalled;
}

}  // namespace planewise::spec
