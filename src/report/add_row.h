// Inside report/: rows of a table that has a column an item.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "print/table.h"

namespace planewise::report {

/// Adds a row with one value a column of the table.
template <class Items, class Cell>
void add_row(Table& table, const std::string& label, const Items& items, Cell cell) {
  std::vector<std::string> row{label};
  for (const auto& item : items) row.push_back(cell(item));
  table.rows.push_back(std::move(row));
}

}  // namespace planewise::report
