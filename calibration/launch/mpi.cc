#include "calibration/launch/mpi.h"

#ifdef PLANEWISE_HAS_MPI
#include <mpi.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "calibration/launch/socket.h"
#endif

namespace planewise::calibration {

#ifdef PLANEWISE_HAS_MPI

void add_address_by_mpi(Variables& variables) {
  const bool is_under_mpi =
      variables.contains("OMPI_COMM_WORLD_RANK") || variables.contains("PMI_RANK");
  if (!is_under_mpi || variables.contains("PLANEWISE_ADDRESS") ||
      variables.contains("MASTER_ADDR")) {
    return;
  }
  MPI_Init(nullptr, nullptr);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::array<char, 256> host{};
  // Free when it was asked for; the store says so if it is taken meanwhile.
  int port = rank == 0 ? port_of(listen_on(0)) : 0;
  if (rank == 0) ::gethostname(host.data(), host.size() - 1);
  MPI_Bcast(host.data(), static_cast<int>(host.size()), MPI_CHAR, 0, MPI_COMM_WORLD);
  MPI_Bcast(&port, 1, MPI_INT, 0, MPI_COMM_WORLD);
  variables["PLANEWISE_ADDRESS"] = host.data();
  variables.emplace("PLANEWISE_PORT", std::to_string(port));
  // mpirun takes a rank that ends before MPI_Finalize for a failure.
  std::atexit([] { MPI_Finalize(); });
}

#else

void add_address_by_mpi(Variables&) {}

#endif

}  // namespace planewise::calibration
