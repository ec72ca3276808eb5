#include "kernels/device_graph.hpp"

#include <cuda_runtime.h>

#include <algorithm>
#include <utility>

#include "kernels/cuda/runtime/device_state.hpp"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr::kernels {
namespace {

/// While it lives, ctx's stream records, and memory is the graph's.
class Recording {
 public:
  Recording(const CudaContext& ctx, GraphMemory& memory) : state_(state_of(ctx)), scratch_(state_) {
    // Relaxed: a graph's memory may grow meanwhile.
    check(cudaStreamBeginCapture(state_.stream, cudaStreamCaptureModeRelaxed),
          "when the recording of a graph began");
    state_.recording = &memory;
    state_.workspace->swap_block(scratch_);
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() {
    if (state_.recording != nullptr) {
      // Work has failed half-way, and so has its recording.
      if (cudaGraph_t graph = end(); graph != nullptr) cudaGraphDestroy(graph);
    }
    for (void* memory : std::exchange(state_.freed_while_recording, {})) {
      device_release(state_.context, memory);
    }
  }

  /// What was recorded; null where that failed.
  cudaGraph_t end() {
    state_.workspace->swap_block(scratch_);
    state_.recording = nullptr;
    cudaGraph_t graph = nullptr;
    if (cudaStreamEndCapture(state_.stream, &graph) == cudaSuccess) return graph;
    cudaGetLastError();  // it is reported by the null pointer, not by the next call
    return nullptr;
  }

 private:
  DeviceState& state_;
  StreamWorkspace scratch_;  ///< holds the stream's block until the end, then the graph's
};

/// Hands back what the pool keeps for later: a graph's memory does not come out of the pool, and a
/// graph wants about as much as the work took that came before.
void release_kept_memory(const DeviceState& state) {
  wait_for_stream(state, "in work queued before");
  check(cudaMemPoolTrimTo(state.pool, 0), "when memory was handed back");
}

class StreamGraph final : public DeviceGraph {
 public:
  explicit StreamGraph(const CudaContext& ctx) : ctx_(ctx) {
    const DeviceTurn turn(ctx);
    state_of(ctx).graphs.push_back(&memory_);
  }
  StreamGraph(const StreamGraph&) = delete;
  StreamGraph& operator=(const StreamGraph&) = delete;
  ~StreamGraph() override {
    const DeviceTurn turn(ctx_);
    cudaStreamSynchronize(ctx_.stream);  // a replay may be under way
    if (executable_ != nullptr) cudaGraphExecDestroy(executable_);
    std::erase(state_of(ctx_).graphs, &memory_);
  }

  void record(const std::function<void()>& work) override {
    const DeviceTurn turn(ctx_);  // or another thread's work would be recorded too
    release_kept_memory(state_of(ctx_));
    cudaGraph_t graph = nullptr;
    {
      Recording recording(ctx_, memory_);
      work();
      graph = recording.end();
    }
    if (graph == nullptr) throw CudaError("CUDA could not record a graph");
    const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "when a graph was prepared");
  }

  void replay() override {
    const DeviceTurn turn(ctx_);
    check(cudaGraphLaunch(executable_, ctx_.stream), "when a graph was replayed");
  }

 private:
  const CudaContext& ctx_;
  GraphMemory memory_;
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace

std::unique_ptr<DeviceGraph> make_graph(const CudaContext& ctx) {
  return std::make_unique<StreamGraph>(ctx);
}

}  // namespace bptplr::kernels
