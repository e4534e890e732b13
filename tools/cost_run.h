// What `planewise cost` does once the command line is read.
#pragma once

#include "tools/output.h"
#include "tools/price.h"

namespace planewise::tools {

/// Where to write lists of the one fabric; empty: not at all.
struct ListPaths {
  std::string bill{};
  std::string cable_plan{};
  std::string port_map{};
  std::string rack_elevation{};

  bool any() const;
};

struct CostFlags {
  bool detail = false;
  UncertaintyFlags uncertainty{};
  ListPaths lists{};
};

/// Writes the report, and the lists. Throws spec::InputError for lists of a fabric that has no
/// graph.
void run_cost(const InputPaths& paths, const CostFlags& flags, const OutputOptions& output);

/// Warnings about topologies whose counts are as printed, on standard error.
void warn_as_printed(const Inputs& inputs);

/// The one fabric's name, or how many there are.
std::string fabrics_name(const Inputs& inputs);

}  // namespace planewise::tools
