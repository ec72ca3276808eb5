// Runs CUDA kernels on the host, without a GPU: every CUDA thread of a block is a fiber, blocks run
// one after the other. tests/simt/include/cuda_runtime.h gives kernels the names that they know
// (threadIdx, __syncthreads, __shfl_xor_sync, ...) and ends here.
//
// What it catches that comparing results on a GPU would not: barriers that not all threads of a
// block reach, or reach at different places; warp operations whose lanes do not all take part; a
// write outside an allocation; and, because a warp runs on until it must wait, nearly every missing
// barrier: under some schedule a warp reads what another has not written yet, or overwrites what
// another has still to read. What it does not model: timing, caches, memory order between blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <vector>

namespace bptplr::simt {

struct Dim3 {
  unsigned x, y, z;
  constexpr Dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr std::size_t count() const { return std::size_t{x} * y * z; }
};

inline constexpr unsigned kWarpSize = 32;

/// A kernel broke the rules of the machine.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The order in which ready warps, and blocks, are run; shuffled: ready threads of all warps.
enum class Schedule { kAscending, kDescending, kShuffled };
void set_schedule(Schedule schedule);

/// Runs `kernel` for every thread of every block. Throws Error where it breaks a rule.
void launch(Dim3 grid, Dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel);

// --- What a running thread can ask. Throws Error outside of a kernel. ---------------------------
Dim3 thread_idx();
Dim3 block_idx();
Dim3 block_dim();
Dim3 grid_dim();
/// The block's dynamic shared memory; every block finds it filled with NaN patterns.
void* dynamic_shared();

/// Waits for all threads of the block; returns how many came with `predicate` true.
int block_barrier(bool predicate, std::source_location where);

/// Waits for the lanes of the warp that `mask` names; returns the values that they brought, one of
/// 8 bytes a lane (those outside the mask are 0). Valid until the thread's next warp operation.
const std::uint64_t* warp_exchange(std::uint32_t mask, std::uint64_t value,
                                   std::source_location where);
unsigned lane();

/// Waits for the 32 lanes of the warp. The one that comes last does `work`, once, on what each lane
/// brought (a pointer to its operands), before any of them goes on.
void warp_together(void* operands, const std::function<void(void* const* operands)>& work,
                   std::source_location where);

// --- Copies that run beside the thread (cp.async). The machine may make one at any time until its
// thread waits for it: ascending, that is when it waits, descending, at once, shuffled, either.
/// Queues a copy of 16 bytes, or of 16 zero bytes if `from` is null.
void copy_later(void* to, const void* from);
/// The copies queued since the last call become a group.
void commit_copies();
/// Waits until all groups of the thread but the `pending` newest are there.
void wait_for_copies(unsigned pending);
/// fence.proxy.async: the tensor cores see what has arrived.
void fence_copies();
/// Throws Error where groups of the thread have arrived that it has not fenced.
void require_fenced_copies(std::source_location where);

// --- Products that run beside the warps (wgmma): ascending, when they are waited for, else at
// once.
void product_later(std::function<void()> product);
void wait_for_products();

/// The error for a rule broken at `where` by the running thread.
[[noreturn]] void fail(const char* rule, std::source_location where);

// --- Graphs ------------------------------------------------------------------------------------
/// Whether work that is queued is recorded instead of run.
bool is_recording();
void begin_recording();
/// Whether work is being recorded; if so, this was a call that CUDA does not allow meanwhile, and
/// the recording is spoilt.
bool spoil_recording();
/// What was queued since, or nothing where that was spoilt.
std::optional<std::vector<std::function<void()>>> end_recording();
/// Runs `work`, or records it.
void queue(std::function<void()> work);

// --- Device memory: the host's, each allocation between guards. --------------------------------
void* device_malloc(std::size_t bytes);
void device_free(void* memory);
std::size_t device_bytes_in_use();
/// Throws Error if a guard of any allocation was overwritten. `launch` calls it at its end. Under
/// AddressSanitizer the guards are poisoned, so that a wild access stops at its own line.
void check_guards();

}  // namespace bptplr::simt
