// The tables of the comparison, in Markdown, and all figures as CSV.
#pragma once

#include <string>
#include <vector>

#include "packet/comparison.h"

namespace planewise::packet {

/// Bytes as in a table: `32 KiB`, `4 MiB`.
std::string size_word(Bytes size);

/// One row a case, errors of mean / median / last completion time in percent, a column a transport.
std::string case_table(const std::vector<Comparison>& rows);

/// One row a pattern, routing and class of flow sizes: the span over the fabrics of the errors of
/// the mean and of the last completion time, headers accounted for and not.
std::string summary_table(const std::vector<Comparison>& rows);

/// One row a transport, a column a pattern, errors of mean / median / last in percent.
std::string choice_table(const std::vector<Comparison>& rows);

/// One line a case and transport, every figure.
std::string csv(const std::vector<Comparison>& rows);

}  // namespace planewise::packet
