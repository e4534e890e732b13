// Tables of numbers in CSV: a header line that must be as asked for, then rows with a place for
// every number, so that later checks can point at one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/input_error.h"

namespace planewise::spec {

struct NumberRow {
  Position at{};
  std::vector<double> values{};  ///< One a column.
  std::vector<Position> places{};
};

struct NumberTable {
  Origin origin{};
  std::vector<NumberRow> rows{};
};

struct NumberTableKind {
  std::string_view what;    ///< `a placement`.
  std::string_view header;  ///< `rank,gpu`.
  bool whole = true;        ///< Numbers are whole; else finite. None is negative.
};

/// Reads `path`; empty lines and lines that begin with `#` are passed over. Every mistake is
/// reported with its place: a wrong header, too few or many columns, what is no number.
NumberTable read_number_table(const std::string& path, const NumberTableKind& kind,
                              Diagnostics& diagnostics);

}  // namespace planewise::spec
