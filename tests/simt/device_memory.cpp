// Device memory of the executor: host memory with a guard before and after each allocation.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "tests/simt/executor.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace bptplr::simt {
namespace {

constexpr std::size_t kGuardBytes = 256;  // the alignment of cudaMalloc
constexpr unsigned char kGuard = 0xa5;

struct Allocations {
  std::mutex mutex;
  std::map<char*, std::size_t> sizes;
};

Allocations& allocations() {
  static auto* instance = new Allocations;  // memory may be freed after the end of main
  return *instance;
}

void set_poison([[maybe_unused]] char* memory, [[maybe_unused]] std::size_t bytes,
                [[maybe_unused]] bool poison) {
#if defined(__SANITIZE_ADDRESS__)
  if (poison) {
    ASAN_POISON_MEMORY_REGION(memory, bytes);
  } else {
    ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
  }
#endif
}

bool intact(const char* guard) {
#if defined(__SANITIZE_ADDRESS__)
  static_cast<void>(guard);
  return true;  // a write would have stopped the program
#else
  for (std::size_t i = 0; i < kGuardBytes; ++i) {
    if (static_cast<unsigned char>(guard[i]) != kGuard) return false;
  }
  return true;
#endif
}

std::size_t padded(std::size_t bytes) {
  return (bytes + kGuardBytes - 1) / kGuardBytes * kGuardBytes;
}

}  // namespace

void* device_malloc(std::size_t bytes) {
  const std::size_t all = 2 * kGuardBytes + padded(bytes);
  auto* block = static_cast<char*>(std::aligned_alloc(kGuardBytes, all));
  if (block == nullptr) return nullptr;
  // Everything outside the allocation is guard; the inside starts as NaN patterns.
  std::memset(block, kGuard, all);
  char* memory = block + kGuardBytes;
  std::memset(memory, 0xff, bytes);
  set_poison(block, kGuardBytes, true);
  set_poison(memory + bytes, all - kGuardBytes - bytes, true);
  const std::lock_guard lock(allocations().mutex);
  allocations().sizes[memory] = bytes;
  return memory;
}

void device_free(void* memory) {
  if (memory == nullptr) return;
  auto* bytes = static_cast<char*>(memory);
  {
    const std::lock_guard lock(allocations().mutex);
    const auto found = allocations().sizes.find(bytes);
    if (found == allocations().sizes.end()) throw Error("freed what was never allocated");
    set_poison(bytes - kGuardBytes, 2 * kGuardBytes + padded(found->second), false);
    allocations().sizes.erase(found);
  }
  std::free(bytes - kGuardBytes);
}

std::size_t device_bytes_in_use() {
  const std::lock_guard lock(allocations().mutex);
  std::size_t total = 0;
  for (const auto& [memory, bytes] : allocations().sizes) total += bytes;
  return total;
}

void check_guards() {
  const std::lock_guard lock(allocations().mutex);
  for (const auto& [memory, bytes] : allocations().sizes) {
    if (!intact(memory - kGuardBytes) || !intact(memory + bytes)) {
      std::memset(memory - kGuardBytes, kGuard, kGuardBytes);
      std::memset(memory + bytes, kGuard, kGuardBytes);
      throw Error("a kernel wrote outside an allocation of " + std::to_string(bytes) + " bytes");
    }
  }
}

}  // namespace bptplr::simt
