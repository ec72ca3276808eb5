#include "engine/host_blocks.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

namespace bptplr {
namespace {

/// A kept block may be larger than asked for by a quarter.
constexpr std::size_t kWaste = 4;
/// Blocks in use and kept may take more than the most that was in use at one time by a half.
constexpr std::size_t kSlack = 2;

/// Blocks begin at different cache lines of their first page, or the same element of several
/// tensors would fall into the same set of a cache.
constexpr std::size_t kLine = 64;
constexpr std::size_t kLines = 4096 / kLine;

struct Block {
  char* mapped;
  std::size_t bytes;   ///< mapped
  std::size_t offset;  ///< of the tensor's memory

  void* memory() const { return mapped + offset; }
  std::size_t room() const { return bytes - offset; }
};

class Blocks {
 public:
  void* take(std::size_t asked) {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = (asked + kPage - 1) / kPage * kPage + kPage;
    auto best = kept_.end();
    for (auto block = kept_.begin(); block != kept_.end(); ++block) {
      const bool fits = block->room() >= asked && block->bytes <= bytes + bytes / kWaste;
      if (fits && (best == kept_.end() || block->bytes < best->bytes)) best = block;
    }
    if (best != kept_.end()) {
      const Block block = *best;
      kept_.erase(best);
      kept_bytes_ -= block.bytes;
      return use(block);
    }
    make_room(bytes);
    char* mapped = map(bytes);
    if (mapped == nullptr && !kept_.empty()) {
      release_all();
      mapped = map(bytes);
    }
    if (mapped == nullptr) return nullptr;
    line_ = (line_ + 7) % kLines;
    return use({mapped, bytes, line_ * kLine});
  }

  void give_back(void* memory) {
    const std::lock_guard lock(mutex_);
    const auto found = used_.find(memory);
    const Block block = found->second;
    used_.erase(found);
    used_bytes_ -= block.bytes;
    if (keepers_ == 0) return static_cast<void>(::munmap(block.mapped, block.bytes));
    kept_.push_back(block);
    kept_bytes_ += block.bytes;
  }

  void keep() {
    const std::lock_guard lock(mutex_);
    ++keepers_;
  }
  void stop_keeping() {
    const std::lock_guard lock(mutex_);
    if (--keepers_ == 0) release_all();
  }

  std::size_t held() {
    const std::lock_guard lock(mutex_);
    return used_bytes_ + kept_bytes_;
  }

  void release() {
    const std::lock_guard lock(mutex_);
    release_all();
    most_used_ = used_bytes_;
  }

 private:
  static constexpr std::size_t kPage = 4096;

  static char* map(std::size_t bytes) {
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    // Fewer faults at first touch and fewer misses of the TLB; a hint, so its failure is no matter.
    ::madvise(memory, bytes, MADV_HUGEPAGE);
    return static_cast<char*>(memory);
  }

  void* use(const Block& block) {
    used_.emplace(block.memory(), block);
    used_bytes_ += block.bytes;
    most_used_ = std::max(most_used_, used_bytes_);
    return block.memory();
  }

  /// Gives up blocks that were kept longest, as a new one would exceed what may be held.
  void make_room(std::size_t bytes) {
    const std::size_t most = std::max(most_used_, used_bytes_ + bytes);
    while (!kept_.empty() && used_bytes_ + bytes + kept_bytes_ > most + most / kSlack) {
      release_first();
    }
  }
  void release_first() {
    ::munmap(kept_.front().mapped, kept_.front().bytes);
    kept_bytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
  void release_all() {
    while (!kept_.empty()) release_first();
  }

  std::mutex mutex_;
  std::unordered_map<void*, Block> used_;
  std::list<Block> kept_;  ///< the one that was freed first comes first
  std::size_t used_bytes_ = 0;
  std::size_t kept_bytes_ = 0;
  std::size_t most_used_ = 0;
  std::size_t line_ = 0;  ///< at which the newest block begins
  int keepers_ = 0;       ///< freed blocks are kept while there is one
};

Blocks& blocks() {
  static auto* const all = new Blocks;  // tensors may be freed after everything else
  return *all;
}

}  // namespace

void* take_block(std::size_t bytes) {
  return blocks().take(bytes);
}

void return_block(void* memory) {
  blocks().give_back(memory);
}

void keep_blocks() {
  blocks().keep();
}

KeptBlocks::KeptBlocks() {
  blocks().keep();
}
KeptBlocks::~KeptBlocks() {
  blocks().stop_keeping();
}

void release_blocks() {
  blocks().release();
}

std::size_t held_blocks() {
  return blocks().held();
}

}  // namespace bptplr
