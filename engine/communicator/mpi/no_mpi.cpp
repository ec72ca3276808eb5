// A build without MPI: a process is always alone.
#include "engine/communicator/mpi/mpi.hpp"
#include "engine/error.hpp"

namespace bptplr::mpi {

Communicator& join(const Launch& launch, const std::string& /*program*/) {
  throw Error(
      "{} started {} processes, but this bptplr was built without MPI; install its headers "
      "(libopenmpi-dev), build again with -DBPTPLR_MPI=ON, or start a single process",
      launch.launcher, launch.size);
}

std::string description() {
  return "no: this bptplr was built without MPI";
}

}  // namespace bptplr::mpi
