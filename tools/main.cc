// planewise: runs the command line and turns what went wrong into an exit code.
#include "print/program.h"
#include "tools/commands.h"

int main(int argc, char** argv) {
  return planewise::run_program("planewise", "nothing was computed",
                                [&] { return planewise::tools::run_command_line(argc, argv); });
}
