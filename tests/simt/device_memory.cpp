// Device memory of the executor: an arena of host memory that is there twice. Pointers that kernels
// get lie in the window, which is closed unless queued work runs: host code that follows one of
// them stops there, as it would with a GPU. The executor itself uses the other mapping. Each
// allocation lies between guards.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <string>

#include "tests/simt/executor.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace bptplr::simt {
namespace {

constexpr std::size_t kGuardBytes = 256;  // the alignment of cudaMalloc
constexpr unsigned char kGuard = 0xa5;
constexpr std::size_t kArenaBytes = std::size_t{4} << 30;  // of addresses; memory on first access
/// Freed blocks from here on give their memory back to the system.
constexpr std::size_t kLargeBytes = std::size_t{1} << 20;
constexpr std::size_t kPageBytes = 4096;

std::size_t padded(std::size_t bytes, std::size_t to = kGuardBytes) {
  return (bytes + to - 1) / to * to;
}

char* map_arena(int file, int protection) {
  void* memory = mmap(nullptr, kArenaBytes, protection, MAP_SHARED | MAP_NORESERVE, file, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<char*>(memory);
}

/// Blocks of both mappings are known by their offset.
class Arena {
 public:
  Arena() : file_(memfd_create("device memory", MFD_CLOEXEC)) {
    if (file_ < 0 || ftruncate(file_, kArenaBytes) != 0) throw std::bad_alloc();
    window_ = map_arena(file_, PROT_NONE);
    inside_ = map_arena(file_, PROT_READ | PROT_WRITE);
    free_[0] = kArenaBytes;
  }

  std::mutex mutex;                          ///< of everything but set_open()
  std::map<std::size_t, std::size_t> sizes;  ///< of the allocations, without guards

  void set_open(bool open) const {
    if (mprotect(window_, kArenaBytes, open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) {
      throw Error("the device memory could not be opened or closed");
    }
  }
  bool holds(const void* address) const {
    const auto* bytes = static_cast<const char*>(address);
    return bytes >= window_ && bytes < window_ + kArenaBytes;
  }
  std::size_t offset_of(const void* memory) const {
    return static_cast<std::size_t>(static_cast<const char*>(memory) - window_);
  }
  char* window(std::size_t offset) const { return window_ + offset; }
  char* inside(std::size_t offset) const { return inside_ + offset; }

  /// Returns the offset of `bytes` that nobody uses, or kArenaBytes where there are not so many.
  std::size_t take(std::size_t bytes) {
    for (auto hole = free_.begin(); hole != free_.end(); ++hole) {
      const auto [offset, size] = *hole;
      if (size < bytes) continue;
      free_.erase(hole);
      if (size > bytes) free_[offset + bytes] = size - bytes;
      return offset;
    }
    return kArenaBytes;
  }
  void give_back(std::size_t offset, std::size_t bytes) {
    forget(offset, bytes);
    auto hole = free_.emplace(offset, bytes).first;
    if (const auto next = std::next(hole);
        next != free_.end() && hole->first + hole->second == next->first) {
      hole->second += next->second;
      free_.erase(next);
    }
    if (hole == free_.begin()) return;
    const auto before = std::prev(hole);
    if (before->first + before->second != hole->first) return;
    before->second += hole->second;
    free_.erase(hole);
  }

 private:
  /// Whoever still reads a freed block reads NaN patterns, or zeros where it was large.
  void forget(std::size_t offset, std::size_t bytes) const {
    if (bytes < kLargeBytes) {
      std::memset(inside(offset), 0xff, bytes);
      return;
    }
    const std::size_t begin = padded(offset, kPageBytes);
    const std::size_t end = (offset + bytes) / kPageBytes * kPageBytes;
    fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin),
              static_cast<off_t>(end - begin));
  }

  int file_;
  char* window_ = nullptr;
  char* inside_ = nullptr;
  std::map<std::size_t, std::size_t> free_;  ///< bytes by offset; neighbours are joined
};

Arena& arena();
struct sigaction fault_action_before;

/// Names the mistake; then the access is repeated under the action that was set before, which ends
/// the process.
void report_fault(int, siginfo_t* info, void*) {
  constexpr char kSentence[] =
      "simt: host code touched device memory; copy it with kernels/device_memory.hpp\n";
  if (arena().holds(info->si_addr)) {
    static_cast<void>(!write(STDERR_FILENO, kSentence, sizeof(kSentence) - 1));
  }
  sigaction(SIGSEGV, &fault_action_before, nullptr);
}

Arena* make_arena() {
  auto* made = new Arena;  // never freed: memory may be freed after the end of main
  struct sigaction action {};
  action.sa_sigaction = report_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &fault_action_before);
  return made;
}

Arena& arena() {
  static Arena* const instance = make_arena();
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

std::size_t bytes_in_use(const Arena& memory) {
  std::size_t total = 0;
  for (const auto& [offset, bytes] : memory.sizes) total += bytes;
  return total;
}

int open_windows = 0;  ///< of the thread that runs work; others wait for it

}  // namespace

OpenMemory::OpenMemory() {
  if (open_windows++ == 0) arena().set_open(true);
}

OpenMemory::~OpenMemory() {
  if (--open_windows == 0) arena().set_open(false);
}

void* device_malloc(std::size_t bytes) {
  Arena& memory = arena();
  const std::lock_guard lock(memory.mutex);
  if (bytes > gpu().memory_bytes - std::min(gpu().memory_bytes, bytes_in_use(memory))) {
    return nullptr;
  }
  const std::size_t all = 2 * kGuardBytes + padded(bytes);
  const std::size_t block = memory.take(all);
  if (block == kArenaBytes) return nullptr;
  // Everything outside the allocation is guard; the inside starts as NaN patterns.
  const std::size_t begin = block + kGuardBytes;
  std::memset(memory.inside(block), kGuard, all);
  std::memset(memory.inside(begin), 0xff, bytes);
  set_poison(memory.window(block), all, true);
  set_poison(memory.window(begin), bytes, false);
  memory.sizes[begin] = bytes;
  return memory.window(begin);
}

void device_free(void* freed) {
  if (freed == nullptr) return;
  Arena& memory = arena();
  const std::lock_guard lock(memory.mutex);
  const auto found = memory.sizes.find(memory.offset_of(freed));
  if (found == memory.sizes.end()) throw Error("freed what was never allocated");
  const auto [begin, bytes] = *found;
  memory.sizes.erase(found);
  const std::size_t all = 2 * kGuardBytes + padded(bytes);
  set_poison(memory.window(begin - kGuardBytes), all, true);
  memory.give_back(begin - kGuardBytes, all);
}

std::size_t device_bytes_in_use() {
  const std::lock_guard lock(arena().mutex);
  return bytes_in_use(arena());
}

void check_guards() {
  Arena& memory = arena();
  const std::lock_guard lock(memory.mutex);
  for (const auto& [offset, bytes] : memory.sizes) {
    char* begin = memory.inside(offset);
    if (!intact(begin - kGuardBytes) || !intact(begin + bytes)) {
      std::memset(begin - kGuardBytes, kGuard, kGuardBytes);
      std::memset(begin + bytes, kGuard, kGuardBytes);
      throw Error("a kernel wrote outside an allocation of " + std::to_string(bytes) + " bytes");
    }
  }
}

}  // namespace bptplr::simt
