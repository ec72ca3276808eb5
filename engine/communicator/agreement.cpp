#include "engine/communicator/agreement.hpp"

#include <vector>

#include "engine/error.hpp"
#include "engine/io/hash.hpp"

namespace bptplr {

void require_agreement(Communicator& group, std::uint64_t hash, const std::string& what,
                       const std::string& advice) {
  if (group.is_alone()) return;
  const std::vector<std::string> hashes = group.gather(fmt::format("{:016x}", hash));
  for (std::size_t rank = 1; rank < hashes.size(); ++rank) {
    require(hashes[rank] == hashes[0], "{} of rank {} are not those of rank 0; {}", what, rank,
            advice);
  }
}

std::uint64_t hash_tensors(std::span<const Tensor> tensors) {
  std::uint64_t hash = 0;
  for (const Tensor& tensor : tensors) {
    const Tensor here = tensor.to(Device{});
    hash = hash_bytes({static_cast<const char*>(here.raw()),
                       static_cast<std::size_t>(here.numel()) * element_size(here.dtype())},
                      hash);
  }
  return hash;
}

}  // namespace bptplr
