// The subcommands that hold ours against what was published or measured.
#pragma once

#include "tools/command_options.h"

namespace planewise::tools {

void add_validate(CLI::App& app, Action& action);
void add_replay(CLI::App& app, Action& action);

}  // namespace planewise::tools
