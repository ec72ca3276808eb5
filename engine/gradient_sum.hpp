// Adds up the gradients of all ranks while the backward pass is still on its way: they lie in one
// block of memory in the reverse order of the parameters, about the order in which they come, and
// are summed in buckets as soon as a bucket is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/communicator.hpp"

namespace bptplr {

class GradientSum {
 public:
  /// Gives the parameters, all of one type and device, fixed memory for their gradients unless the
  /// group is of one.
  GradientSum(Communicator& group, std::vector<Tensor> parameters);

  /// Runs backward(loss), the last one before a step, and sums the gradients of all ranks.
  void backward(const Tensor& loss);

 private:
  struct Bucket {
    std::int64_t begin = 0;  ///< in memory_
    std::int64_t end = 0;
    std::size_t parameters = 0;
    std::size_t done = 0;  ///< parameters with their gradient, in this pass
    bool begun = false;
  };

  void note(const Tensor& parameter);
  void begin(Bucket& bucket);

  Communicator& group_;
  Tensor memory_;
  std::vector<Bucket> buckets_;
  std::unordered_map<const void*, std::size_t> bucket_of_;  ///< by the address of the parameter
};

}  // namespace bptplr
