// One stream a device, its stream-ordered memory pool, and a ring of pinned memory for copies to
// it.
#include "kernels/device_memory.hpp"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cuda/runtime/device_state.hpp"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {
namespace {

void require_not_recording(const DeviceState& state, const char* what) {
  if (state.recording == nullptr) return;
  throw CudaError(std::string("a graph was being recorded while ") + what);
}

}  // namespace

DeviceTurn::DeviceTurn(const CudaContext& ctx) {
  if (ctx.state == nullptr) return;  // a context that a caller made
  lock_ = std::unique_lock(state_of(ctx).turn);
  // Each thread begins with the first GPU as its own, which need not be this one.
  check(cudaSetDevice(state_of(ctx).device), "when the device was chosen");
}

void* StreamWorkspace::reserve(std::size_t bytes) {
  if (bytes <= size_) return memory_;
  if (memory_ != nullptr) device_release(state_.context, memory_);
  memory_ = nullptr;
  size_ = 0;
  memory_ = device_allocate(state_.context, bytes);
  if (memory_ == nullptr) throw OutOfDeviceMemory(bytes);
  size_ = bytes;
  return memory_;
}

void StreamWorkspace::swap_block(StreamWorkspace& other) {
  std::swap(memory_, other.memory_);
  std::swap(size_, other.size_);
}

PinnedRing::PinnedRing(DeviceState& state) : state_(state) {
  void* memory = nullptr;
  check(cudaMallocHost(&memory, kSlots * kSlotBytes), "when pinned memory was allocated");
  for (std::size_t i = 0; i < kSlots; ++i) {
    Slot& slot = slots_[i];
    slot.memory = static_cast<char*>(memory) + i * kSlotBytes;
    check(cudaEventCreateWithFlags(&slot.passed, cudaEventDisableTiming), "when an event was made");
  }
}

void PinnedRing::copy(void* device, const void* host, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes; done += kSlotBytes) {
    copy_slot(static_cast<char*>(device) + done, static_cast<const char*>(host) + done,
              std::min(kSlotBytes, bytes - done));
  }
}

void PinnedRing::copy_slot(void* device, const void* host, std::size_t bytes) {
  Slot& slot = slots_[next_++ % slots_.size()];
  wait_for_event(state_, slot.passed, "when a copy was waited for");
  std::memcpy(slot.memory, host, bytes);
  check(cudaMemcpyAsync(device, slot.memory, bytes, cudaMemcpyDefault, state_.stream),
        "when data was copied to the device");
  check(cudaEventRecord(slot.passed, state_.stream), "when an event was recorded");
}

DeviceState::DeviceState(int number) : device(number) {
  check(cudaSetDevice(device), "when the device was chosen");
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "when a stream was made");
  check(cudaDeviceGetDefaultMemPool(&pool, device), "when the memory pool was looked up");
  std::uint64_t keep_all = UINT64_MAX;
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep_all),
        "when the memory pool was set up");
  workspace = std::make_unique<StreamWorkspace>(*this);
  pinned = std::make_unique<PinnedRing>(*this);
  context = {stream, workspace.get(), this};
}

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string device_description(int device) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device), "when the device was described");
  char text[512];
  std::snprintf(text, sizeof(text), "%s, %.1f GiB, compute capability %d.%d", properties.name,
                static_cast<double>(properties.totalGlobalMem) / (1 << 30), properties.major,
                properties.minor);
  return text;
}

std::string no_device_reason() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  return status == cudaSuccess ? "CUDA found no GPU" : cudaGetErrorString(status);
}

const CudaContext& device_context(int device) {
  // Never destroyed: tensors in static storage give their memory back after the end of main.
  static auto* states =
      new std::vector<std::unique_ptr<DeviceState>>(static_cast<std::size_t>(device_count()));
  static auto* mutex = new std::mutex;
  const std::lock_guard lock(*mutex);
  auto& state = states->at(static_cast<std::size_t>(device));
  if (state == nullptr) state = std::make_unique<DeviceState>(device);
  return state->context;
}

void* device_allocate(const CudaContext& ctx, std::size_t bytes) {
  const DeviceTurn turn(ctx);
  if (ctx.state != nullptr && state_of(ctx).recording != nullptr) {
    return state_of(ctx).recording->allocate(bytes);
  }
  void* memory = nullptr;
  // The pool gives nothing for nothing; an empty tensor still needs an address.
  const cudaError_t status = cudaMallocAsync(&memory, bytes == 0 ? 1 : bytes, ctx.stream);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // it is reported by the null pointer, not by the next call
    return nullptr;
  }
  check(status, "when memory was allocated");
  return memory;
}

void device_release(const CudaContext& ctx, void* memory) {
  const DeviceTurn turn(ctx);
  if (ctx.state != nullptr) {
    DeviceState& state = state_of(ctx);
    for (GraphMemory* graph : state.graphs) {
      if (graph->release(memory)) return;
    }
    if (state.recording != nullptr) return state.freed_while_recording.push_back(memory);
  }
  cudaFreeAsync(memory, ctx.stream);  // called by destructors; an error shows at the next call
}

DeviceMemoryUse device_memory_use(const CudaContext& ctx) {
  const DeviceTurn turn(ctx);
  const auto count = [&](cudaMemPoolAttr attribute) {
    std::uint64_t bytes = 0;
    check(cudaMemPoolGetAttribute(state_of(ctx).pool, attribute, &bytes),
          "when memory was counted");
    return static_cast<std::size_t>(bytes);
  };
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "when memory was counted");
  std::size_t of_graphs = 0;
  for (const GraphMemory* graph : state_of(ctx).graphs) of_graphs += graph->size();
  const std::size_t now = count(cudaMemPoolAttrUsedMemCurrent);
  const std::size_t held = count(cudaMemPoolAttrReservedMemCurrent);  // in use or kept for later
  return {now + of_graphs, count(cudaMemPoolAttrUsedMemHigh) + of_graphs, free + held - now};
}

void device_memory_reset_peak(const CudaContext& ctx) {
  const DeviceTurn turn(ctx);
  std::uint64_t none = 0;
  check(cudaMemPoolSetAttribute(state_of(ctx).pool, cudaMemPoolAttrUsedMemHigh, &none),
        "when memory was counted");
}

void copy_to_device(const CudaContext& ctx, void* device, const void* host, std::size_t bytes) {
  if (bytes == 0) return;
  const DeviceTurn turn(ctx);
  require_not_recording(state_of(ctx), "data was copied to the device");
  state_of(ctx).pinned->copy(device, host, bytes);
}

void copy_to_host(const CudaContext& ctx, void* host, const void* device, std::size_t bytes) {
  if (bytes == 0) return;
  const DeviceTurn turn(ctx);
  require_not_recording(state_of(ctx), "data was copied from the device");
  check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDefault, ctx.stream),
        "when data was copied from the device");
  synchronize(ctx);
}

void copy_on_device(const CudaContext& ctx, void* target, const void* source, std::size_t bytes) {
  if (bytes == 0) return;
  const DeviceTurn turn(ctx);
  check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDefault, ctx.stream),
        "when data was copied on the device");
}

void set_to_zero(const CudaContext& ctx, void* device, std::size_t bytes) {
  if (bytes == 0) return;
  const DeviceTurn turn(ctx);
  check(cudaMemsetAsync(device, 0, bytes, ctx.stream), "when memory was cleared");
}

void synchronize(const CudaContext& ctx) {
  const DeviceTurn turn(ctx);
  require_not_recording(state_of(ctx), "the device was waited for");
  wait_for_stream(state_of(ctx), "in work queued before");
}

}  // namespace bptplr::kernels
