// How this process was started: alone, or as one of several by mpirun, mpiexec or srun.
#pragma once

#include <string>

#include "engine/communicator.hpp"

namespace bptplr {

/// What the launcher has left in the environment.
struct Launch {
  int rank = 0;
  int size = 1;
  std::string launcher;  ///< e.g. "srun"; empty without one
};

/// Reads the environment variables of Open MPI, of PMI (MPICH, Intel MPI) and of Slurm's steps.
Launch read_launch();

/// Returns the group that this process was started in, which it joins at the first call; that of
/// itself alone if nobody started others. `program` tells versions apart. Throws Error, on all
/// ranks, where they are of different programs, and where the launcher and MPI see different
/// numbers of processes, which would train the same run several times.
Communicator& join_group(const std::string& program);

/// Returns the group of several processes that this one has joined; null if there is none.
Communicator* joined_group();

/// Returns the MPI that this build joins groups by, e.g. "Open MPI 4.1.4", or "no: ...".
std::string mpi_description();

}  // namespace bptplr
