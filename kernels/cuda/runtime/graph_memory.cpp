#include "kernels/cuda/runtime/graph_memory.hpp"

#include <cuda_runtime.h>

#include <algorithm>
#include <iterator>

#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {
namespace {

constexpr std::size_t kAlignment = 256;
/// Blocks are at least this large, so that parts of them can be joined.
constexpr std::size_t kBlockBytes = std::size_t{64} << 20;

}  // namespace

GraphMemory::~GraphMemory() {
  for (const auto& [address, part] : parts_) {
    if (part.begins_block) cudaFree(address);  // an error shows at the next call
  }
}

void* GraphMemory::allocate(std::size_t bytes) {
  bytes = std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  auto found = best_fit(bytes);
  if (found == parts_.end()) found = add_block(std::max(bytes, kBlockBytes));
  if (found == parts_.end()) found = add_block(bytes);
  if (found == parts_.end()) return nullptr;
  auto& [address, part] = *found;
  if (part.bytes > bytes) {
    parts_.emplace(address + bytes, Part{part.bytes - bytes, true, false});
    part.bytes = bytes;
  }
  part.free = false;
  return address;
}

bool GraphMemory::release(void* memory) {
  const auto found = parts_.find(static_cast<char*>(memory));
  if (found == parts_.end() || found->second.free) return false;
  found->second.free = true;
  join_with_next(found);
  if (found != parts_.begin() && !found->second.begins_block) {
    const auto before = std::prev(found);
    if (before->second.free) join_with_next(before);
  }
  return true;
}

std::size_t GraphMemory::size() const {
  std::size_t bytes = 0;
  for (const auto& [address, part] : parts_) bytes += part.bytes;
  return bytes;
}

/// The smallest free part that is large enough.
GraphMemory::Parts::iterator GraphMemory::best_fit(std::size_t bytes) {
  auto best = parts_.end();
  for (auto i = parts_.begin(); i != parts_.end(); ++i) {
    if (!i->second.free || i->second.bytes < bytes) continue;
    if (best == parts_.end() || i->second.bytes < best->second.bytes) best = i;
  }
  return best;
}

GraphMemory::Parts::iterator GraphMemory::add_block(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // it is reported by the null pointer, not by the next call
    return parts_.end();
  }
  check(status, "when memory for a graph was allocated");
  return parts_.emplace(static_cast<char*>(memory), Part{bytes, true, true}).first;
}

/// Where the part behind `part`, in the same block, is free, they become one.
void GraphMemory::join_with_next(Parts::iterator part) {
  const auto next = std::next(part);
  if (next == parts_.end() || !next->second.free || next->second.begins_block) return;
  part->second.bytes += next->second.bytes;
  parts_.erase(next);
}

}  // namespace bptplr::kernels
