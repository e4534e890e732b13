// A table of texts, and its renderings: aligned columns, Markdown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace planewise {

/// The first column is a label, left-aligned; the others are values, right-aligned.
struct Table {
  std::string title{};
  std::vector<std::string> columns{};
  std::vector<std::vector<std::string>>
      rows{};  ///< Each as long as `columns`. A row of one cell is a heading.
};

std::string to_text(const Table& table);
std::string to_markdown(const Table& table);

/// 16384 -> "16,384".
std::string grouped(std::int64_t number);
/// A number with `decimals` places, thousands grouped.
std::string fixed(double number, int decimals);
/// 0.3894 -> "38.9 %".
std::string percent(double share, int decimals = 1);
/// The same with its sign: "+70.7 %", "0.0 %", "-3.1 %".
std::string signed_percent(double share, int decimals);

/// `values` in at most `width` groups of equal size, the last maybe smaller: of each the mean.
std::vector<double> grouped_means(const std::vector<double>& values, std::size_t width);
/// The same, of each the largest.
std::vector<double> grouped_maxima(const std::vector<double>& values, std::size_t width);
/// A row of bars, a character each: `▁` up to 1/8, then by eighths to `█` from 7/8.
std::string bars(const std::vector<double>& values);

}  // namespace planewise
