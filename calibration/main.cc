// planewise-calibrate: measures a machine and fits the profile that planewise reads.
#include "calibration/commands.h"
#include "print/program.h"

int main(int argc, char** argv) {
  return planewise::run_program("planewise-calibrate", "nothing was written", [&] {
    return planewise::calibration::run_command_line(argc, argv);
  });
}
