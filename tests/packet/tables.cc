#include "packet/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "base/check.h"

namespace planewise::packet {
namespace {

/// In the order in which they first occur.
std::vector<std::string> transports(const std::vector<Comparison>& rows) {
  std::vector<std::string> names;
  for (const Comparison& row : rows) {
    if (std::find(names.begin(), names.end(), row.transport) == names.end()) {
      names.push_back(row.transport);
    }
  }
  return names;
}

std::string errors(const Times& fluid, const Times& packet) {
  return fmt::format("{:+.1f} / {:+.1f} / {:+.1f}", error_percent(fluid.mean, packet.mean),
                     error_percent(fluid.median, packet.median),
                     error_percent(fluid.max, packet.max));
}

struct Span {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::string words() const { return fmt::format("{:+.0f} to {:+.0f}", low, high); }
};

struct Spans {
  Span mean{};
  Span max{};
  Span raw_max{};
};

std::string ruler(std::size_t columns) {
  std::string line = "|";
  for (std::size_t i = 0; i < columns; ++i) line += "---|";
  return line + "\n";
}

}  // namespace

std::string size_word(Bytes size) {
  const Bytes mebibyte = bytes(1048576);
  return size >= mebibyte ? fmt::format("{:g} MiB", size.in(mebibyte))
                          : fmt::format("{:g} KiB", size.in(bytes(1024)));
}

std::string case_table(const std::vector<Comparison>& rows) {
  const std::vector<std::string> names = transports(rows);
  std::string text = "| fabric | pattern | routing | flow | flows | flow-level mean, last (us) |";
  for (const std::string& name : names) text += fmt::format(" `{}` (%) |", name);
  text += "\n" + ruler(6 + names.size());
  for (std::size_t i = 0; i < rows.size(); i += names.size()) {
    const Comparison& first = rows[i];
    text += fmt::format("| {} | {} | {} | {} | {} | {:.1f}, {:.1f} |", first.fabric, first.pattern,
                        first.routing, size_word(first.flow_size), first.flows,
                        first.fluid.mean.in(microseconds(1)), first.fluid.max.in(microseconds(1)));
    for (std::size_t j = 0; j < names.size(); ++j) {
      PW_CHECK(rows[i + j].transport == names[j]);
      text += fmt::format(" {} |", errors(rows[i + j].fluid, rows[i + j].packet));
    }
    text += "\n";
  }
  return text;
}

std::string summary_table(const std::vector<Comparison>& rows) {
  const std::vector<std::string> names = transports(rows);
  std::vector<std::string> order;
  std::map<std::string, std::map<std::string, Spans>> spans;
  for (const Comparison& row : rows) {
    const bool is_small = row.flow_size <= bytes(32768);
    const std::string group =
        fmt::format("{} | {} | {}", row.pattern, row.routing, is_small ? "small" : "large");
    if (!spans.contains(group)) order.push_back(group);
    Spans& at = spans[group][row.transport];
    at.mean.add(error_percent(row.fluid.mean, row.packet.mean));
    at.max.add(error_percent(row.fluid.max, row.packet.max));
    at.raw_max.add(error_percent(row.fluid_raw.max, row.packet.max));
  }
  std::string text = "| pattern | routing | flows |";
  for (const std::string& name : names) {
    text += fmt::format(" `{}` mean | last | last, raw |", name);
  }
  text += "\n" + ruler(3 + 3 * names.size());
  for (const std::string& group : order) {
    text += fmt::format("| {} |", group);
    for (const std::string& name : names) {
      const Spans& at = spans[group][name];
      text += fmt::format(" {} | {} | {} |", at.mean.words(), at.max.words(), at.raw_max.words());
    }
    text += "\n";
  }
  return text;
}

std::string choice_table(const std::vector<Comparison>& rows) {
  const std::vector<std::string> names = transports(rows);
  std::string text = "| transport |";
  for (std::size_t i = 0; i < rows.size(); i += names.size()) {
    text += fmt::format(" {}, {} (%) |", rows[i].pattern, size_word(rows[i].flow_size));
  }
  text += "\n" + ruler(1 + rows.size() / names.size());
  for (std::size_t j = 0; j < names.size(); ++j) {
    text += fmt::format("| {} |", names[j]);
    for (std::size_t i = j; i < rows.size(); i += names.size()) {
      text += fmt::format(" {} |", errors(rows[i].fluid, rows[i].packet));
    }
    text += "\n";
  }
  return text;
}

std::string csv(const std::vector<Comparison>& rows) {
  std::string text =
      "fabric,pattern,routing,flow_bytes,flows,transport,"
      "packet_mean_us,packet_median_us,packet_last_us,"
      "flow_mean_us,flow_median_us,flow_last_us,"
      "raw_mean_us,raw_median_us,raw_last_us,marks,events\n";
  const auto three = [](const Times& times) {
    const Seconds unit = microseconds(1);
    return fmt::format("{:.4f},{:.4f},{:.4f}", times.mean.in(unit), times.median.in(unit),
                       times.max.in(unit));
  };
  for (const Comparison& row : rows) {
    text +=
        fmt::format("\"{}\",{},{},{},{},{},{},{},{},{},{}\n", row.fabric, row.pattern, row.routing,
                    row.flow_size.base(), row.flows, row.transport, three(row.packet),
                    three(row.fluid), three(row.fluid_raw), row.marks, row.events);
  }
  return text;
}

}  // namespace planewise::packet
