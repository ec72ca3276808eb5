// Work for a GPU that is recorded once and replayed many times (CUDA graphs). A training iteration
// is some hundred launches of a few microseconds each; replayed, they cost the host one call.
//
// What a graph records are kernels with their arguments as they were: the same addresses and the
// same numbers in every replay. Whatever is to differ between replays must therefore be read from
// device memory that lives as long as the graph and that is written before each replay.
#pragma once

#include <functional>
#include <memory>

#include "kernels/context.hpp"

namespace bptplr::kernels {

class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  /// Calls `work`, which queues on the graph's stream, and records instead of running it; once.
  /// Memory that `work` allocates, scratch memory too, belongs to the graph and may be used between
  /// replays, but not after the graph. `work` must have run before with the same shapes, so that
  /// nothing is left to be prepared, and it must neither copy from or to the host nor wait. Throws
  /// CudaError where it does, or where the device cannot record it; then nothing has been queued,
  /// the graph is of no use, and what `work` has left in its memory must go before it as ever.
  virtual void record(const std::function<void()>& work) = 0;
  /// Queues everything that was recorded, behind what has been queued before.
  virtual void replay() = 0;
};

/// A graph of ctx's stream that has recorded nothing yet.
std::unique_ptr<DeviceGraph> make_graph(const CudaContext& ctx);

}  // namespace bptplr::kernels
