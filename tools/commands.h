// The command line: one subcommand is read and run. The only file behind it that includes CLI11 is
// commands.cc.
#pragma once

namespace planewise::tools {

/// Exit codes of the program; docs/architecture.md lists them.
enum ExitCode { kFine = 0, kUsage = 1, kInput = 2, kMachine = 3, kQuality = 4, kInterrupted = 130 };

/// Reads the command line, runs the subcommand and returns kFine, or kUsage after printing what is
/// wrong with it. What the subcommand throws goes through.
int run_command_line(int argc, char** argv);

}  // namespace planewise::tools
