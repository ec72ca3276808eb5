#include "engine/memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "engine/error.hpp"
#include "engine/host_blocks.hpp"
#include "engine/precision.hpp"
#include "kernels/device_error.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {
namespace {

constexpr std::size_t kAlignment = 64;

/// Under the address sanitizer all memory comes from its heap, whose ends it watches.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kHasBlocks = false;
#else
constexpr bool kHasBlocks = true;
#endif

std::size_t round_up(std::size_t bytes) {
  return std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
}

[[noreturn]] void throw_out_of_memory(std::size_t bytes) {
  throw OutOfMemory(
      "out of memory: {:.1f} MiB more are needed; use a smaller --batch_size or --width",
      static_cast<double>(bytes) / (1 << 20));
}

void* allocate_host(std::size_t bytes) {
  void* memory = std::aligned_alloc(kAlignment, round_up(bytes));
  if (memory == nullptr) throw_out_of_memory(bytes);
  return memory;
}

/// Returns the bytes in a line such as "VmHWM:    3404 kB" of a system file; 0 if there is none.
std::size_t system_bytes(const char* file, std::string_view name) {
  std::ifstream lines(file);
  for (std::string word; lines >> word;) {
    std::size_t kib = 0;
    if (word == name && lines >> kib) return kib << 10;
  }
  return 0;
}

/// Pages of its own: on the heap, each size that it grows through would leave a hole.
class HostWorkspace final : public kernels::Workspace {
 public:
  ~HostWorkspace() override { release(); }

  void* reserve(std::size_t bytes) override {
    if (bytes > size_) {
      release();  // before allocating: both together may not fit
      void* memory =
          ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) throw_out_of_memory(bytes);
      memory_ = memory;
      size_ = bytes;
    }
    return memory_;
  }

 private:
  void release() {
    if (memory_ != nullptr) ::munmap(memory_, size_);
    memory_ = nullptr;
    size_ = 0;
  }

  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace

std::shared_ptr<void> allocate(Device device, std::size_t bytes) {
  if (device.type == DeviceType::kCpu && kHasBlocks && bytes >= kLeastBlock) {
    void* memory = take_block(bytes);
    if (memory == nullptr) throw_out_of_memory(bytes);
    return {memory, return_block};
  }
  if (device.type == DeviceType::kCpu) {
    return {allocate_host(bytes), [](void* memory) { std::free(memory); }};
  }
  const kernels::CudaContext& ctx = cuda_context(device);
  void* memory = kernels::device_allocate(ctx, bytes);
  if (memory == nullptr) {
    throw OutOfMemory("{}", kernels::OutOfDeviceMemory(bytes).what());
  }
  return {memory, [&ctx](void* block) { kernels::device_release(ctx, block); }};
}

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
#endif
  keep_blocks();
}

void release_freed_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  release_blocks();
}

void copy_bytes(Device target_device, void* target, Device source_device, const void* source,
                std::size_t bytes) {
  if (bytes == 0) return;
  const bool to_cpu = target_device.type == DeviceType::kCpu;
  const bool from_cpu = source_device.type == DeviceType::kCpu;
  if (to_cpu && from_cpu) {
    std::memcpy(target, source, bytes);
  } else if (to_cpu) {
    kernels::copy_to_host(cuda_context(source_device), target, source, bytes);
  } else if (from_cpu) {
    kernels::copy_to_device(cuda_context(target_device), target, source, bytes);
  } else {
    kernels::copy_on_device(cuda_context(target_device), target, source, bytes);
  }
}

void clear_bytes(Device device, void* memory, std::size_t bytes) {
  if (bytes == 0) return;
  if (device.type == DeviceType::kCpu) {
    std::memset(memory, 0, bytes);
  } else {
    kernels::set_to_zero(cuda_context(device), memory, bytes);
  }
}

MemoryUse memory_use(Device device) {
  if (device.type == DeviceType::kCuda) {
    const kernels::DeviceMemoryUse use = kernels::device_memory_use(cuda_context(device));
    return {use.now, use.peak, use.available};
  }
  return {system_bytes("/proc/self/status", "VmRSS:"), system_bytes("/proc/self/status", "VmHWM:"),
          system_bytes("/proc/meminfo", "MemAvailable:")};
}

void reset_peak_memory(Device device) {
  if (device.type == DeviceType::kCuda) {
    kernels::device_memory_reset_peak(cuda_context(device));
  } else {
    std::ofstream("/proc/self/clear_refs") << 5;
  }
}

const kernels::CudaContext& cuda_context(Device device) {
  return kernels::device_context(device.index);
}

kernels::CpuContext cpu_context() {
  thread_local HostWorkspace workspace;
  return {&workspace, cpu_precision() == Precision::kBfloat16};
}

}  // namespace bptplr
