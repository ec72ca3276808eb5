#include "bpt_plr/train/agreement.hpp"

#include <vector>

#include "engine/error.hpp"
#include "engine/io/hash.hpp"
#include "engine/ops.hpp"

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

void average_statistics(Communicator& group, const NamedTensors& named) {
  std::vector<Tensor> parts;
  for (const NamedTensors::Entry& entry : named.entries()) {
    const bool is_mean = entry.name.ends_with(".running_mean");
    if (is_mean || entry.name.ends_with(".running_var")) parts.push_back(entry.tensor);
  }
  if (group.is_alone() || parts.empty()) return;
  const Tensor own = concat(parts);
  Tensor sums = own.to(Device{}).to(DType::kFloat64).to(own.device());
  group.sum(sums.device(), sums.data<double>(), sums.numel());
  const Tensor means =
      scale(sums.to(Device{}), 1.0 / group.size()).to(own.dtype()).to(own.device());
  std::int64_t begin = 0;
  for (Tensor& part : parts) {
    part.copy_from(means.rows(begin, begin + part.numel()));
    begin += part.numel();
  }
}

}  // namespace bptplr
