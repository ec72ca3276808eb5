// CUDA graphs: GPU work that is recorded once and replayed many times. A training iteration is some
// hundred launches of a few microseconds each; a replay costs the host one call.
//
// A graph records kernels with their arguments: every replay uses the same addresses and the same
// numbers. Values that differ between replays must therefore be read from device memory that lives
// as long as the graph and is written before each replay.
#pragma once

#include <functional>
#include <memory>

#include "kernels/context.hpp"

namespace bptplr::kernels {

class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  /// Calls `work` once, which queues on the graph's stream, and records its kernels instead of
  /// running them. Memory that `work` allocates, scratch memory too, belongs to the graph: it may
  /// be used between replays, but not after the graph. `work` must have run before with the same
  /// shapes, so that nothing is left to prepare, and must neither copy from or to the host nor
  /// wait. Throws CudaError if it does, or if the device cannot record it; then nothing has been
  /// queued, the graph is unusable, and the memory that `work` allocated must be released before
  /// the graph.
  virtual void record(const std::function<void()>& work) = 0;
  /// Queues the recorded work after everything queued before.
  virtual void replay() = 0;
};

/// Creates a graph of ctx's stream with nothing recorded yet.
std::unique_ptr<DeviceGraph> make_graph(const CudaContext& ctx);

}  // namespace bptplr::kernels
