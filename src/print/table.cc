#include "print/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace planewise {
namespace {

/// Characters, not bytes: UTF-8 continuation bytes take no width.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string space(width - std::min(width, width_of(text)), ' ');
  return left ? text + space : space + text;
}

std::vector<std::size_t> column_widths(const Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& column : table.columns) widths.push_back(width_of(column));
  for (const auto& row : table.rows) {
    if (row.size() == 1) continue;  // headings run over all columns
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  return widths;
}

std::string text_line(const std::vector<std::string>& cells,
                      const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += "  ";
    line += padded(cells[i], i < widths.size() ? widths[i] : 0, i == 0);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::vector<double> of_groups(const std::vector<double>& values, std::size_t width,
                              double (*value_of)(const double*, const double*)) {
  const std::size_t size = std::max<std::size_t>(1, (values.size() + width - 1) / width);
  std::vector<double> groups;
  for (std::size_t begin = 0; begin < values.size(); begin += size) {
    const std::size_t end = std::min(values.size(), begin + size);
    groups.push_back(value_of(values.data() + begin, values.data() + end));
  }
  return groups;
}

}  // namespace

std::string to_text(const Table& table) {
  const std::vector<std::size_t> widths = column_widths(table);
  std::string out;
  if (!table.title.empty()) out += table.title + "\n";
  out += text_line(table.columns, widths);
  std::size_t total = 2 * (widths.size() - 1);
  for (const std::size_t width : widths) total += width;
  out += std::string(total, '-') + "\n";
  for (const auto& row : table.rows) out += text_line(row, widths);
  return out;
}

std::string to_markdown(const Table& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string out = "|";
    for (const std::string& cell : cells) {
      const std::size_t indent = std::min(cell.find_first_not_of(' '), cell.size());
      // Markdown drops leading spaces; two of them become one visible step.
      out += " ";
      for (std::size_t step = 0; step < indent / 2; ++step) out += "&nbsp;&nbsp;";
      out += cell.substr(indent) + " |";
    }
    return out + "\n";
  };
  std::string out;
  if (!table.title.empty()) out += "### " + table.title + "\n\n";
  out += line(table.columns) + "|:---|";
  for (std::size_t i = 1; i < table.columns.size(); ++i) out += "---:|";
  out += "\n";
  for (auto row : table.rows) {
    const bool is_heading = row.size() == 1;
    if (is_heading) {
      const std::size_t indent = std::min(row[0].find_first_not_of(' '), row[0].size());
      row[0] = row[0].substr(0, indent) + "**" + row[0].substr(indent) + "**";
    }
    row.resize(table.columns.size());
    out += line(row);
  }
  return out;
}

std::string grouped(std::int64_t number) {
  std::string digits = fmt::format("{}", std::abs(number));
  for (std::size_t i = digits.size(); i > 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return number < 0 ? "-" + digits : digits;
}

std::string fixed(double number, int decimals) {
  const std::string text = fmt::format("{:.{}f}", std::abs(number), decimals);
  const std::size_t point = text.find('.');
  std::string whole = text.substr(0, point);
  for (std::size_t i = whole.size(); i > 3;) {
    i -= 3;
    whole.insert(i, ",");
  }
  const std::string rest = point == std::string::npos ? "" : text.substr(point);
  const bool is_zero = text.find_first_not_of("0.") == std::string::npos;
  return (number < 0 && !is_zero ? "-" : "") + whole + rest;
}

std::string percent(double share, int decimals) { return fixed(share * 100, decimals) + " %"; }

std::string signed_percent(double share, int decimals) {
  const std::string text = percent(share, decimals);
  const bool is_positive = share > 0 && text.find_first_of("123456789") != std::string::npos;
  return is_positive ? "+" + text : text;
}

std::vector<double> grouped_means(const std::vector<double>& values, std::size_t width) {
  return of_groups(values, width, [](const double* begin, const double* end) {
    return std::accumulate(begin, end, 0.0) / static_cast<double>(end - begin);
  });
}

std::vector<double> grouped_maxima(const std::vector<double>& values, std::size_t width) {
  return of_groups(values, width, [](const double* begin, const double* end) {
    return *std::max_element(begin, end);
  });
}

std::string bars(const std::vector<double>& values) {
  constexpr std::array kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string out;
  for (const double value : values) {
    out += kBars[static_cast<std::size_t>(std::clamp(value * 8, 0.0, 7.0))];
  }
  return out;
}

}  // namespace planewise
