// Asynchronous copy of a few numbers from a device to the CPU.
#pragma once

#include <memory>

#include "engine/tensor.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {

class PendingCopy {
 public:
  /// Starts a copy of the elements of `tensor`, at most 256 bytes, as they are when everything
  /// queued so far is done.
  explicit PendingCopy(const Tensor& tensor);

  bool has_arrived() const;
  /// Returns the elements on the CPU; waits for them.
  Tensor get() const;

 private:
  Tensor here_;
  std::unique_ptr<kernels::DelayedCopy> copy_;  ///< null if the elements were already on the CPU
};

}  // namespace bptplr
