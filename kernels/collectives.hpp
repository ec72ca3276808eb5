// Copies and sums between the GPUs of several processes, one GPU each, which no host waits for: the
// calls are queued like kernels, and recorded in a graph like kernels. All ranks make the same
// calls in the same order, and record the same ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Returns e.g. "NCCL 2.28.9", or "no: " and why this build has none.
std::string collectives_description();
/// Returns whether this build can make groups.
bool has_collectives();

/// Group of the GPUs of all ranks, used in the turns of its GPU (device_memory.hpp). It outlives
/// the graphs that its calls were recorded in. Calls throw CudaError.
class DeviceGroup {
 public:
  virtual ~DeviceGroup() = default;
  /// Writes the `bytes` at `own` of all ranks to `all` [ranks, bytes], in their order.
  virtual void all_gather(const void* own, void* all, std::size_t bytes) = 0;
  /// Adds up the values of all ranks, in place; every rank gets the same bits.
  virtual void sum(double* values, std::int64_t count) = 0;
  /// Start to add up the values of all ranks, in place, beside what is queued until finish_sums();
  /// that must leave them alone.
  virtual void begin_sum(float* values, std::int64_t count) = 0;
  virtual void begin_sum(double* values, std::int64_t count) = 0;
  /// Lets what is queued from here on wait for all sums begun.
  virtual void finish_sums() = 0;
  /// Throws CudaError, and ends what the GPU waits for, where other ranks can no longer be reached.
  /// Whatever waits for the GPU calls it meanwhile.
  virtual void check() = 0;
};

/// Returns what all ranks need to meet, for rank 0 to hand out. Throws CudaError.
std::string make_group_id();
/// Joins the group of `size` ranks that all pass the same `id`, and waits for them. Throws
/// CudaError.
std::unique_ptr<DeviceGroup> make_device_group(const CudaContext& ctx, const std::string& id,
                                               int rank, int size);

}  // namespace bptplr::kernels
