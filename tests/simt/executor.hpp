// Runs CUDA kernels on the host, without a GPU: every CUDA thread of a block is a fiber, blocks run
// one after the other. tests/simt/include/cuda_runtime.h defines the names that kernels use
// (threadIdx, __syncthreads, __shfl_xor_sync, ...) by calls of these functions.
//
// Detects what comparing results on a GPU would not: barriers that not all threads of a block
// reach, or reach at different places; warp operations in which not all lanes take part; a write
// outside an allocation; and, because a warp runs until it must wait, nearly every missing barrier:
// under some schedule a warp reads what another has not written yet, or overwrites what another has
// still to read. Does not model timing, caches or memory order between blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <vector>

struct CUstream_st;  // pointees of CUDA's cudaStream_t and cudaEvent_t
struct CUevent_st;

namespace bptplr::simt {

struct Dim3 {
  unsigned x, y, z;
  constexpr Dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr std::size_t count() const { return std::size_t{x} * y * z; }
};

inline constexpr unsigned kWarpSize = 32;

/// Thrown for a kernel that breaks the rules of the machine.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The GPU that is simulated, an H200 with little memory unless a test says otherwise.
struct Gpu {
  int major = 9, minor = 0;
  int multiprocessors = 132;
  std::size_t shared_bytes = 227 << 10;  ///< of a block that asks for them, static ones included
  std::size_t memory_bytes = std::size_t{1} << 30;
};
const Gpu& gpu();
void set_gpu(const Gpu& simulated);
/// Static shared memory that every kernel counts as having: the host compiler does not tell. More
/// than nvcc reports for those that need most dynamic memory.
inline constexpr std::size_t kStaticSharedBytes = 3 << 10;

/// Sets what elapsed_milliseconds() returns from now on; an empty function: a microsecond.
void set_clock(std::function<float()> milliseconds);
/// Returns the time between two events, as the executor has no clock.
float elapsed_milliseconds();

/// Order in which ready warps, and blocks, run; shuffled: ready threads of all warps.
enum class Schedule { kAscending, kDescending, kShuffled };
void set_schedule(Schedule schedule);
Schedule current_schedule();

/// Runs `kernel` for every thread of every block. Throws Error if it breaks a rule.
void launch(Dim3 grid, Dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel);

// --- Queries of a running thread. They throw Error outside of a kernel. --------------------------
Dim3 thread_idx();
Dim3 block_idx();
Dim3 block_dim();
Dim3 grid_dim();
/// Returns the block's dynamic shared memory, filled with NaN patterns for every block.
void* dynamic_shared();

/// Waits for all threads of the block; returns how many of them had `predicate` true.
int block_barrier(bool predicate, std::source_location where);

/// Waits for the lanes of the warp in `mask`; returns their values, 8 bytes per lane (those outside
/// the mask are 0). Valid until the thread's next warp operation.
const std::uint64_t* warp_exchange(std::uint32_t mask, std::uint64_t value,
                                   std::source_location where);
unsigned lane();

/// Waits for the 32 lanes of the warp. The last one runs `work`, once, on a pointer to each lane's
/// operands, before any lane continues.
void warp_together(void* operands, const std::function<void(void* const* operands)>& work,
                   std::source_location where);

// --- Asynchronous copies (cp.async). The machine may make one at any time until its thread waits
// for it: ascending, when it waits; descending, at once; shuffled, either.
/// Queues a copy of 16 bytes, or of 16 zero bytes if `from` is null.
void copy_later(void* to, const void* from);
/// Makes the copies queued since the last call a group.
void commit_copies();
/// Waits for all groups of the thread but the newest `pending`.
void wait_for_copies(unsigned pending);
/// Makes arrived copies visible to the tensor cores (fence.proxy.async).
void fence_copies();
/// Throws Error if groups of the thread have arrived that it has not fenced.
void require_fenced_copies(std::source_location where);

// --- Asynchronous products (wgmma): computed when they are waited for if ascending, else at once.
void product_later(std::function<void()> product);
void wait_for_products();

/// Throws the error for a rule broken at `where` by the running thread.
[[noreturn]] void fail(const char* rule, std::source_location where);

// --- Graphs ------------------------------------------------------------------------------------
/// Returns whether queued work is recorded instead of run.
bool is_recording();
void begin_recording();
/// Returns whether work is being recorded; a recording then becomes invalid by this call, which
/// CUDA does not allow.
bool spoil_recording();
/// Returns the work queued since the start of the recording, or nothing if it is invalid.
std::optional<std::vector<std::function<void()>>> end_recording();
/// Runs `work` with device memory open. Throws Error where another thread's work is running.
void run(const std::function<void()>& work);
/// Runs `work` of the first stream, or records it.
void queue(std::function<void()> work);

// --- Streams. The first one runs work at once. Others do so if descending; else as late as may be:
// when the host or another stream waits for it. Others record, while the first one does, once they
// have waited for an event of it, and must be waited for by it before the end.
/// Returns null for the first one.
CUstream_st* make_stream();
void destroy_stream(CUstream_st* stream);
/// Runs or records `work`. Throws Error for a stream that does not record while the first one does.
void queue(CUstream_st* stream, std::function<void()> work);
/// Runs or records what is left of a stream.
void catch_up(CUstream_st* stream);

CUevent_st* make_event();
void destroy_event(CUevent_st* event);
void record_event(CUevent_st* event, CUstream_st* stream);
/// Lets what is queued on the stream from here on come after the event.
void wait_for(CUstream_st* stream, CUevent_st* event);
/// Lets the host wait for the event.
void wait_for(CUevent_st* event);

// --- Device memory: the host's, each allocation between guards. Host code that touches it ends the
// process with a sentence; only queued work can.
/// While one lives, device memory can be read and written.
class OpenMemory {
 public:
  OpenMemory();
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;
  ~OpenMemory();
};

/// Returns null where the simulated GPU has no more.
void* device_malloc(std::size_t bytes);
void device_free(void* memory);
std::size_t device_bytes_in_use();
/// Throws Error if a guard of any allocation was overwritten. Called at the end of `launch`. Under
/// AddressSanitizer the guards are poisoned, so that a wild access stops at its own line.
void check_guards();

}  // namespace bptplr::simt
