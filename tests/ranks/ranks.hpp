// What the tests of several ranks share. Each process of `mpirun -n N test_ranks` is a rank; what
// they compute together is compared with what each computes alone.
#pragma once

#include "engine/communicator.hpp"

namespace bptplr {

/// Returns the group of all processes of the test.
Communicator& ranks();

}  // namespace bptplr
