// Flow-level against packet-level completion times, case by case. See docs/packet.md.
#include <fmt/format.h>
#include <ns3/nstime.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "packet/comparison.h"
#include "packet/tables.h"

namespace {

using namespace planewise;
using namespace planewise::packet;

constexpr int kFine = 0;
constexpr int kUsage = 1;
constexpr int kMachineFailed = 3;
constexpr int kIncorrect = 5;

constexpr double kIdleTolerance = 1e-4;  // Times are rounded to a picosecond a packet and link.

constexpr const char* kExamples = R"(examples:
  packet_comparison                           all tables in Markdown, minutes
  packet_comparison --hosts 16 --only cases   the cases on 16 hosts alone
  packet_comparison --format csv              every figure
exit codes: 0 fine, 1 usage, 3 the machine failed, 5 a check of the packet-level runs failed)";

struct Options {
  int hosts = 64;
  std::string only = "all";
  std::string format = "md";
};

/// Progress of a run that takes minutes.
Comparison compare_aloud(const Case& of, const Transport& transport) {
  fmt::print(stderr, "packet: {} layers, {} hosts, {}, {}, {}\n", of.size.layers, of.size.hosts,
             pattern_word(of.pattern), size_word(of.flow_size), transport.name);
  return compare(of, transport);
}

/// Fails unless one flow across an idle fabric takes what arithmetic says.
void check_idle_paths(int hosts) {
  for (const Transport& transport : all_transports()) {
    if (transport.initial_window < transport.window) continue;  // A slow start leaves gaps.
    for (const int layers : {2, 3}) {
      const double difference = idle_path_difference({.layers = layers, .hosts = hosts}, transport);
      if (difference < kIdleTolerance) continue;
      throw Broken{fmt::format("{}, {} layers: a flow on an idle path is off by {:.2g} of its time",
                               transport.name, layers, difference)};
    }
  }
}

std::vector<Comparison> compare_cases(int hosts) {
  std::vector<Comparison> rows;
  for (const Case& of : all_cases()) {
    if (of.size.hosts > hosts) continue;
    for (const Transport& transport : all_transports()) {
      rows.push_back(compare_aloud(of, transport));
    }
  }
  return rows;
}

/// How the error falls with the size of a flow.
std::vector<Comparison> compare_sizes() {
  std::vector<Comparison> rows;
  for (const Pattern pattern : {Pattern::incast_8, Pattern::shift}) {
    for (double size = 4096; size <= 16.0 * 1048576; size *= 4) {
      const Case of =
          make_case({.layers = 3, .hosts = 16}, pattern, spec::Routing::static_path, bytes(size));
      for (const Transport& transport : all_transports()) {
        rows.push_back(compare_aloud(of, transport));
      }
    }
  }
  return rows;
}

/// What was chosen and need not have been so: windows and the threshold of the marks.
std::vector<Comparison> compare_choices() {
  std::vector<Transport> transports;
  for (Transport transport : all_transports()) {
    const std::string name = transport.name;
    if (transport.is_dctcp) {
      for (const int threshold : {5, 20, 80}) {
        transport.marking_threshold = threshold;
        transport.name = fmt::format("{}, mark at {}", name, threshold);
        transports.push_back(transport);
      }
      continue;
    }
    for (const int window : {16, 128, 512}) {
      transport.window = transport.initial_window = window;
      transport.name = fmt::format("{}, window {}", name, window);
      transports.push_back(transport);
    }
  }
  std::vector<Comparison> rows;
  for (const Pattern pattern : {Pattern::incast_8, Pattern::random, Pattern::all_to_all}) {
    const double size = pattern == Pattern::all_to_all ? 524288 : 4194304;
    const Case of =
        make_case({.layers = 3, .hosts = 16}, pattern, spec::Routing::ecmp, bytes(size));
    for (const Transport& transport : transports) rows.push_back(compare_aloud(of, transport));
  }
  return rows;
}

void print_tables(const Options& options) {
  const bool is_csv = options.format == "csv";
  const auto wanted = [&options](const char* name) {
    return options.only == "all" || options.only == name;
  };
  std::vector<Comparison> all;
  const auto show = [&](const char* title, const std::vector<Comparison>& rows,
                        std::string (*table)(const std::vector<Comparison>&)) {
    if (!is_csv) fmt::print("### {}\n\n{}\n", title, table(rows));
  };
  const auto keep = [&all](const std::vector<Comparison>& rows) {
    all.insert(all.end(), rows.begin(), rows.end());
  };
  if (wanted("cases")) {
    const std::vector<Comparison> rows = compare_cases(options.hosts);
    show("By pattern", rows, summary_table);
    show("Case by case", rows, case_table);
    keep(rows);
  }
  if (wanted("sizes")) {
    const std::vector<Comparison> rows = compare_sizes();
    show("By size of a flow", rows, case_table);
    keep(rows);
  }
  if (wanted("choices")) {
    const std::vector<Comparison> rows = compare_choices();
    show("What it hangs on", rows, choice_table);
    keep(rows);
  }
  if (is_csv) fmt::print("{}", csv(all));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Flow-level completion times of planewise against packet-level ones of ns-3.");
  app.footer(kExamples);
  app.add_option("--hosts", options.hosts, "Fabrics of at most that many hosts")
      ->check(CLI::IsMember({16, 32, 64}))
      ->capture_default_str();
  app.add_option("--only", options.only, "Which tables")
      ->check(CLI::IsMember({"all", "cases", "sizes", "choices"}))
      ->capture_default_str();
  app.add_option("--format", options.format, "md or csv")
      ->check(CLI::IsMember({"md", "csv"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  try {
    ns3::Time::SetResolution(ns3::Time::PS);  // A packet of 54 bytes takes 1.08 ns.
    check_idle_paths(options.hosts);
    print_tables(options);
    return kFine;
  } catch (const Broken& broken) {
    fmt::print(stderr, "packet_comparison: {}\n", broken.what);
    return kIncorrect;
  } catch (const std::exception& error) {
    fmt::print(stderr, "packet_comparison: {}\n", error.what());
    return kMachineFailed;
  }
}
