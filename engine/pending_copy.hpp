// A few numbers on their way from a device to the CPU, for those who go on meanwhile.
#pragma once

#include <memory>

#include "engine/tensor.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {

class PendingCopy {
 public:
  /// The elements that `tensor`, of at most 256 bytes, has when everything queued so far is done.
  explicit PendingCopy(const Tensor& tensor);

  bool has_arrived() const;
  /// They, on the CPU; waits for them.
  Tensor get() const;

 private:
  Tensor here_;
  std::unique_ptr<kernels::DelayedCopy> copy_;  ///< null: they have been here from the start
};

}  // namespace bptplr
