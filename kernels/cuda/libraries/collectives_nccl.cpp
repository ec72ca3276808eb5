// Collectives by NCCL. What the iteration waits for at once (statistics, logits) is queued on the
// GPU's own stream; the sums of gradients on a stream beside it, which leaves it at begin_sum and
// joins it again at finish_sums, by events. Recorded, that becomes a fork and a join of the graph.
//
// A communicator runs one call after the other, so the sums beside have one of their own. Its
// kernels and the others' wait for those of other ranks, which may run them in another order: all
// must find room on the GPU at the same time, or two ranks wait for each other for ever. So both
// kinds get an eighth of its multiprocessors.
#include <cuda_runtime.h>
#include <nccl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "kernels/collectives.hpp"
#include "kernels/cuda/runtime/device_state.hpp"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr::kernels {
namespace {

/// Throws CudaError unless a function of NCCL has succeeded.
void check_nccl(ncclResult_t status, const char* during) {
  if (status == ncclSuccess) return;
  cudaGetLastError();  // the exception reports it, not the next check
  const std::string details = ncclGetLastError(nullptr);
  throw CudaError(std::string("NCCL failed (") + ncclGetErrorString(status) + ") " + during +
                  (details.empty() ? "" : ": " + details) +
                  "; with NCCL_DEBUG=WARN in the environment it says more");
}

ncclUniqueId id_of(const std::string& text) {
  ncclUniqueId id;
  if (text.size() != sizeof(id)) throw CudaError("this is no identity of a group of NCCL");
  std::memcpy(&id, text.data(), sizeof(id));
  return id;
}

class NcclGroup final : public DeviceGroup {
 public:
  NcclGroup(const CudaContext& ctx, const std::string& id, int rank, int size) : ctx_(ctx) {
    const DeviceTurn turn(ctx);
    constexpr int kShare = 8;
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.maxCTAs = std::max(1, multiprocessors() / kShare);
    const std::size_t half = id.size() / 2;
    check_nccl(ncclCommInitRankConfig(&calls_, size, id_of(id.substr(0, half)), rank, &config),
               "when the ranks met");
    check_nccl(ncclCommInitRankConfig(&sums_, size, id_of(id.substr(half)), rank, &config),
               "when the ranks met");
    kernels::check(cudaStreamCreateWithFlags(&beside_, cudaStreamNonBlocking),
                   "when a stream was made");
    for (cudaEvent_t* event : {&forked_, &joined_}) {
      kernels::check(cudaEventCreateWithFlags(event, cudaEventDisableTiming),
                     "when an event was made");
    }
    state_of(ctx).group = this;
  }
  NcclGroup(const NcclGroup&) = delete;
  NcclGroup& operator=(const NcclGroup&) = delete;
  ~NcclGroup() override {
    const DeviceTurn turn(ctx_);
    state_of(ctx_).group = nullptr;
    cudaStreamSynchronize(ctx_.stream);
    if (!aborted_) {
      ncclCommDestroy(sums_);
      ncclCommDestroy(calls_);
    }
    cudaEventDestroy(forked_);
    cudaEventDestroy(joined_);
    cudaStreamDestroy(beside_);
  }

  void all_gather(const void* own, void* all, std::size_t bytes) override {
    check_nccl(ncclAllGather(own, all, bytes, ncclUint8, calls_, ctx_.stream),
               "when a batch was gathered");
  }

  void sum(double* values, std::int64_t count) override {
    check_nccl(ncclAllReduce(values, values, static_cast<std::size_t>(count), ncclFloat64, ncclSum,
                             calls_, ctx_.stream),
               "when statistics were summed");
  }

  void begin_sum(float* values, std::int64_t count) override {
    begin_sum(values, count, ncclFloat32);
  }
  void begin_sum(double* values, std::int64_t count) override {
    begin_sum(values, count, ncclFloat64);
  }

  void finish_sums() override {
    if (!sums_begun_) return;
    sums_begun_ = false;
    kernels::check(cudaEventRecord(joined_, beside_), "when an event was recorded");
    kernels::check(cudaStreamWaitEvent(ctx_.stream, joined_, 0), "when sums were waited for");
  }

  void check() override {
    for (const ncclComm_t comm : {calls_, sums_}) {
      ncclResult_t status = ncclSuccess;
      check_nccl(ncclCommGetAsyncError(comm, &status), "when the ranks were asked for");
      if (status == ncclSuccess || status == ncclInProgress || aborted_) continue;
      // Kernels that wait for the other ranks would never end, and destructors wait for them.
      aborted_ = true;
      ncclCommAbort(calls_);
      ncclCommAbort(sums_);
      check_nccl(status, "between the ranks");
    }
  }

 private:
  void begin_sum(void* values, std::int64_t count, ncclDataType_t type) {
    kernels::check(cudaEventRecord(forked_, ctx_.stream), "when an event was recorded");
    kernels::check(cudaStreamWaitEvent(beside_, forked_, 0), "when a sum was begun");
    sums_begun_ = true;
    check_nccl(ncclAllReduce(values, values, static_cast<std::size_t>(count), type, ncclSum, sums_,
                             beside_),
               "when gradients were summed");
  }

  const CudaContext& ctx_;
  ncclComm_t calls_ = nullptr;
  ncclComm_t sums_ = nullptr;
  cudaStream_t beside_ = nullptr;
  cudaEvent_t forked_ = nullptr;
  cudaEvent_t joined_ = nullptr;
  bool sums_begun_ = false;
  bool aborted_ = false;
};

}  // namespace

bool has_collectives() {
  return true;
}

std::string collectives_description() {
  int version = 0;
  check_nccl(ncclGetVersion(&version), "when its version was asked for");
  return "NCCL " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) +
         "." + std::to_string(version % 100);
}

std::string make_group_id() {
  std::string text;
  for (int communicator = 0; communicator < 2; ++communicator) {
    ncclUniqueId id;
    check_nccl(ncclGetUniqueId(&id), "when a group was named");
    text.append(reinterpret_cast<const char*>(&id), sizeof(id));
  }
  return text;
}

std::unique_ptr<DeviceGroup> make_device_group(const CudaContext& ctx, const std::string& id,
                                               int rank, int size) {
  return std::make_unique<NcclGroup>(ctx, id, rank, size);
}

}  // namespace bptplr::kernels
