#include "spec/number_table.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "spec/text_file.h"

namespace planewise::spec {
namespace {

struct Cell {
  std::string_view text;
  Position at;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<Cell> cells_of(std::string_view line, int number) {
  std::vector<Cell> cells;
  for (std::size_t begin = 0;;) {
    const std::size_t comma = line.find(',', begin);
    const std::string_view raw = line.substr(begin, comma - begin);
    const std::string_view text = trimmed(raw);
    const std::size_t offset =
        text.empty() ? 0 : static_cast<std::size_t>(text.data() - raw.data());
    cells.push_back({text, {.line = number, .column = static_cast<int>(begin + offset) + 1}});
    if (comma == std::string_view::npos) return cells;
    begin = comma + 1;
  }
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (!is_number || !std::isfinite(value) || value < 0) return std::nullopt;
  return value;
}

class TableParser {
 public:
  TableParser(NumberTable& table, const NumberTableKind& kind, Diagnostics& diagnostics)
      : table_(table),
        kind_(kind),
        diagnostics_(diagnostics),
        columns_(cells_of(kind.header, 0).size()) {}

  void parse() {
    bool has_header = false;
    const auto lines = static_cast<int>(table_.origin.line_starts.size());
    for (int number = 1; number <= lines; ++number) {
      const std::string_view line = trimmed(table_.origin.line(number));
      if (line.empty() || line.front() == '#') continue;
      if (has_header) {
        parse_row(number);
        continue;
      }
      has_header = true;
      if (line != kind_.header) {
        refuse({.line = number, .column = 1},
               fmt::format("{} is not the header of {}", in_quotes(line), kind_.what),
               fmt::format("begin with '{}'", kind_.header));
        return;
      }
    }
    if (table_.rows.empty() && diagnostics_.empty()) {
      refuse({.line = 1, .column = 1}, fmt::format("{} without a row", kind_.what),
             fmt::format("write '{}' and a row for each", kind_.header));
    }
  }

 private:
  void refuse(Position at, const std::string& message, const std::string& hint) {
    diagnostics_.add(table_.origin, at, "", message, hint);
  }

  void parse_row(int number) {
    const std::vector<Cell> cells = cells_of(table_.origin.line(number), number);
    if (cells.size() != columns_) {
      refuse(cells.front().at, fmt::format("{} columns instead of {}", cells.size(), columns_),
             fmt::format("write '{}'", kind_.header));
      return;
    }
    NumberRow row{.at = cells.front().at};
    for (const Cell& cell : cells) {
      const std::optional<double> value = number_of(cell.text);
      if (!value || (kind_.whole && *value != std::floor(*value))) {
        refuse(cell.at,
               fmt::format("{} is not a {}number", in_quotes(cell.text),
                           kind_.whole ? "whole " : "finite "),
               "write 0 or more");
        return;
      }
      row.values.push_back(*value);
      row.places.push_back(cell.at);
    }
    table_.rows.push_back(std::move(row));
  }

  NumberTable& table_;
  const NumberTableKind& kind_;
  Diagnostics& diagnostics_;
  std::size_t columns_;
};

}  // namespace

NumberTable read_number_table(const std::string& path, const NumberTableKind& kind,
                              Diagnostics& diagnostics) {
  const TextKind text_kind{
      .what = kind.what, .most_bytes = 64'000'000, .when_large = "leave rows out"};
  NumberTable table;
  const std::optional<std::string> text = load_text(path, text_kind, diagnostics);
  if (!text) return table;
  Diagnostics own;
  if (take_text(table.origin, text_kind, {.name = path, .text = *text}, own)) {
    TableParser(table, kind, own).parse();
  }
  diagnostics.add(own);
  return table;
}

}  // namespace planewise::spec
