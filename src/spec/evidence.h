// How a value came to be known. The same four words serve profiles, prices and reports.
#pragma once

#include <cstdint>
#include <string_view>

namespace planewise::spec {

/// Spelled as in YAML.
enum class Evidence : std::uint8_t {
  measured,   ///< By us, on the named machine.
  published,  ///< Printed in the named source; of a rate, also a printed time under our count.
  fitted,     ///< Solved for from published or measured operators, collectives or prices.
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
    case Evidence::estimated:
      return "estimated";
  }
  return "";
}

}  // namespace planewise::spec
