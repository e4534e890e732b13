// What MPI knows and the environment of its processes does not: where rank 0 is.
#pragma once

#include "calibration/launch/world.h"

namespace planewise::calibration {

/// Under mpirun, in a build with PLANEWISE_MPI: sets PLANEWISE_ADDRESS and PLANEWISE_PORT to those
/// of rank 0, unless the user has. Else nothing. Called once a process.
void add_address_by_mpi(Variables& variables);

}  // namespace planewise::calibration
