#include "calibration/report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "print/csv.h"
#include "print/table.h"

namespace planewise::calibration {
namespace {

Table table_of(const Sheet& sheet) {
  Table table{.title = sheet.title};
  for (const Column& column : sheet.columns) table.columns.push_back(column.title);
  for (const std::vector<Value>& row : sheet.rows) {
    std::vector<std::string> cells;
    for (const Value& value : row) cells.push_back(value.text);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::string as_text(const Account& account) {
  std::string out = account.title + "\n";
  std::size_t widest = 0;
  for (const Fact& fact : account.facts) widest = std::max(widest, fact.title.size());
  for (const Fact& fact : account.facts) {
    out += fmt::format("  {:<{}}  {}\n", fact.title, widest, fact.value.text);
  }
  for (const Sheet& sheet : account.sheets) out += "\n" + to_text(table_of(sheet));
  if (!account.notes.empty()) out += "\n";
  for (const std::string& note : account.notes) out += note + "\n";
  return out;
}

std::string as_markdown(const Account& account) {
  std::string out = "# " + account.title + "\n\n";
  for (const Fact& fact : account.facts) {
    out += fmt::format("- {}: {}\n", fact.title, fact.value.text);
  }
  for (const Sheet& sheet : account.sheets) out += "\n" + to_markdown(table_of(sheet));
  if (!account.notes.empty()) out += "\n";
  for (const std::string& note : account.notes) out += "- " + note + "\n";
  return out;
}

std::string as_csv(const Account& account) {
  std::string out;
  for (const Sheet& sheet : account.sheets) {
    if (!out.empty()) out += "\n";
    std::string line;
    for (const Column& column : sheet.columns) line += "," + csv_text(column.key);
    out += line.substr(1) + "\n";
    for (const std::vector<Value>& row : sheet.rows) {
      line.clear();
      for (const Value& value : row) {
        line += "," + (value.number ? fmt::format("{}", *value.number) : csv_text(value.text));
      }
      out += line.substr(1) + "\n";
    }
  }
  return out;
}

nlohmann::ordered_json json_of(const Value& value) {
  if (!value.number) return value.text;
  const auto whole = static_cast<std::int64_t>(*value.number);
  if (static_cast<double>(whole) == *value.number) return whole;
  return *value.number;
}

std::string as_json(const Account& account) {
  nlohmann::ordered_json root = {{"title", account.title}};
  for (const Fact& fact : account.facts) root[fact.key] = json_of(fact.value);
  for (const Sheet& sheet : account.sheets) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const std::vector<Value>& row : sheet.rows) {
      nlohmann::ordered_json object = nlohmann::ordered_json::object();
      for (std::size_t i = 0; i < row.size(); ++i) object[sheet.columns[i].key] = json_of(row[i]);
      rows.push_back(std::move(object));
    }
    root[sheet.key] = std::move(rows);
  }
  root["notes"] = account.notes;
  return root.dump(2) + "\n";
}

}  // namespace

std::string size_text(Bytes size) {
  double value = size.in(bytes(1));
  int power = 0;
  while (value >= 1024 && std::fmod(value, 1024) == 0 && power < 3) {
    value /= 1024;
    ++power;
  }
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB"};
  return fmt::format("{:.0f} {}", value, kUnits[static_cast<std::size_t>(power)]);
}

Value text_value(std::string text) { return {.text = std::move(text)}; }

Value count_value(std::int64_t count) {
  return {.text = grouped(count), .number = static_cast<double>(count)};
}

Value number_value(double number, int decimals) {
  return {.text = fixed(number, decimals), .number = number};
}

Value share_value(double share) { return {.text = percent(share), .number = share}; }

std::string render(const Account& account, Format format) {
  switch (format) {
    case Format::text:
      return as_text(account);
    case Format::json:
      return as_json(account);
    case Format::csv:
      return as_csv(account);
    case Format::md:
      return as_markdown(account);
  }
  return {};
}

}  // namespace planewise::calibration
