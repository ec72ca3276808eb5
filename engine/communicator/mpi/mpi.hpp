// MPI, or its absence: mpi_group.cpp and no_mpi.cpp, of which the build has one.
#pragma once

#include <string>

#include "engine/communicator/launch.hpp"

namespace bptplr::mpi {

/// Joins the group of all processes of `launch`, for the rest of this process.
Communicator& join(const Launch& launch, const std::string& program);

std::string description();

}  // namespace bptplr::mpi
