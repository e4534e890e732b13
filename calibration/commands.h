// The command line: one subcommand is read and run. The only file behind it that includes CLI11 is
// commands.cc.
#pragma once

namespace planewise::calibration {

/// Reads the command line, runs the subcommand and returns its exit code, or kUsage after printing
/// what is wrong with it. What the subcommand throws goes through.
int run_command_line(int argc, char** argv);

}  // namespace planewise::calibration
