// planewise-calibrate: measures a machine and fits the profile that planewise reads.
#include "print/program.h"

int main() {
  return planewise::run_program("planewise-calibrate", "nothing was written",
                                [] { return static_cast<int>(planewise::kUsage); });
}
