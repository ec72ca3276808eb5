// The memory of a graph. CUDA's own pool gives addresses away again that a graph still writes to,
// so a graph takes large blocks for as long as it lives and deals out parts of them.
#pragma once

#include <cstddef>
#include <map>

namespace bptplr::kernels {

class GraphMemory {
 public:
  GraphMemory() = default;
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;
  ~GraphMemory();

  /// Aligned to 256 bytes; null when the device has no more. What was given back may be given out
  /// again at once: kernels of one stream run one after the other.
  void* allocate(std::size_t bytes);
  /// False for memory from elsewhere.
  bool release(void* memory);
  /// Bytes of the blocks.
  std::size_t size() const;

 private:
  struct Part {
    std::size_t bytes;
    bool free;
    bool begins_block;  ///< and is never joined to what lies before it
  };
  using Parts = std::map<char*, Part>;

  Parts::iterator best_fit(std::size_t bytes);
  Parts::iterator add_block(std::size_t bytes);
  void join_with_next(Parts::iterator part);

  Parts parts_;  ///< of all blocks, by address; each block is filled without gaps
};

}  // namespace bptplr::kernels
