// What a rank takes of its host, which it shares with others: processors and a GPU.
#pragma once

#include <cstdint>
#include <string>

#include "engine/communicator.hpp"

namespace bptplr {

std::string host_name();

/// Returns the number of processors of this rank: those it may run on, each shared equally with the
/// ranks of its host that may run there too; at least 1.
int processors_of_rank(Communicator& group);

/// Limits the CPU threads of this rank to `threads`; 0: to its processors, unless it is alone or
/// OMP_NUM_THREADS says how many. Returns their number.
int use_threads(Communicator& group, std::int64_t threads);

/// Returns a sentence where the launcher lets the ranks of this host run on some of its processors
/// only, else "".
std::string unused_processors(Communicator& group);

/// Makes the GPU with this rank's number on its host the one that choose_device means, or the only
/// one that its launcher shows it. Throws Error, on all ranks, where a host has fewer GPUs than
/// ranks.
void take_gpu(Communicator& group);

}  // namespace bptplr
