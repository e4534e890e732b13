// Inside report/: tables of published figures beside ours.
#pragma once

#include <string>
#include <vector>

#include "print/table.h"
#include "report/validation.h"

namespace planewise::report {

/// The figures by group, what came of their limits, and how good the predictions are.
std::vector<Table> validation_tables(const std::vector<FigureLine>& lines);

/// `id: note` of every figure that has one.
std::vector<std::string> figure_notes(const std::vector<FigureLine>& lines);

}  // namespace planewise::report
