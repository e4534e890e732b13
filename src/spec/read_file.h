// What every reader of a file kind shares: is it that kind, read the root map, report what is
// missing and what is unknown, keep the origin. And what several kinds of file have.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "spec/evidence.h"
#include "spec/yaml_reader.h"

namespace planewise::spec {

/// A kind of file, told by a top-level key whose value is the version, 1.
struct FileKind {
  std::string_view key;
  std::string_view name;
};
inline constexpr FileKind kTopologyFile{"planewise_topology", "topology"};
inline constexpr FileKind kPriceBookFile{"planewise_price_book", "price book"};
inline constexpr FileKind kModelFile{"planewise_model", "model"};
inline constexpr FileKind kWorkloadFile{"planewise_workload", "workload"};
inline constexpr FileKind kProfileFile{"planewise_calibration", "profile"};
inline constexpr FileKind kCatalogueFile{"planewise_parts", "parts catalogue"};
inline constexpr FileKind kQuotesFile{"planewise_quotes", "list of quotes"};
inline constexpr FileKind kScenarioFile{"planewise_scenario", "scenario"};
inline constexpr FileKind kFaultsFile{"planewise_faults", "list of faults"};
inline constexpr FileKind kFiguresFile{"planewise_figures", "list of published figures"};
inline constexpr FileKind kHostsFile{"planewise_hosts", "list of hosts"};
inline constexpr std::array kFileKinds{kTopologyFile, kPriceBookFile, kModelFile,  kWorkloadFile,
                                       kProfileFile,  kCatalogueFile, kQuotesFile, kScenarioFile,
                                       kFaultsFile,   kFiguresFile,   kHostsFile};

/// The kind that `document` says it is; null, with one mistake reported, if it says none or could
/// not be read.
const FileKind* file_kind(const Document& document, Diagnostics& diagnostics);

/// Whether `document` is of kind `wanted` and of version 1; if not, one mistake says what it is
/// instead.
bool is_readable_as(const FileKind& wanted, const Document& document, Diagnostics& diagnostics);

/// How a time or rate of a profile came to be known: `measured`, `published`, `fitted` or
/// `estimated`.
Evidence read_evidence(MapReader& map, std::string_view key);

/// How a price or a fact about a part came to be known: any of the seven words.
Evidence read_part_evidence(MapReader& map, std::string_view key);

/// A day of the calendar, such as 2025-05-14.
std::string read_date(MapReader& map, std::string_view key);

/// Reports a `power_maximum` below `power_typical`. Requires that both were asked for.
void check_powers(MapReader& map, Watts typical, Watts maximum);

/// Refuses a name that an entry before this one has.
class UniqueNames {
 public:
  /// `name` was read at `key` of `map`, which is at `place` in the file: `operators[1]`.
  void check(MapReader& map, std::string_view key, const std::string& name,
             const std::string& place);

 private:
  std::map<std::string, std::string> place_of_;
};

/// Reads `document` with `fill(value, root)`.
template <class Spec, class Fill>
Spec read_document(Document document, const FileKind& kind, Diagnostics& diagnostics, Fill fill) {
  Spec spec;
  if (!is_readable_as(kind, document, diagnostics)) {
    spec.origin = std::move(document.origin);
    return spec;
  }
  Reading reading(std::move(document), diagnostics);
  MapReader root(reading);
  root.allow({kind.key});
  fill(spec, root);
  reading.finish();
  spec.origin = reading.take_origin();
  return spec;
}

}  // namespace planewise::spec
