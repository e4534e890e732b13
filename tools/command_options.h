// What several subcommands are called with alike.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "tools/output.h"
#include "tools/simulate_runs.h"

namespace planewise::tools {

/// What runs once the command line is read; returns the exit code.
using Action = std::function<int()>;

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& what,
                      const std::string& example);

/// Adds --format and --output.
void add_output_options(CLI::App& command, OutputOptions& options);

/// Adds --engine, --seed and --no-symmetry.
void add_engine_options(CLI::App& command, SimulationFlags& flags);

/// Adds --threads and --stats.
void add_machine_options(CLI::App& command, SimulationFlags& flags);

}  // namespace planewise::tools
