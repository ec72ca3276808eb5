// Computes class sets with the CPU kernel, for the tests of kernels that read or compute them.
#pragma once

#include "kernels/plr.hpp"
#include "tests/kernels/support.hpp"

namespace bptplr {

using ClassSetBits = std::vector<std::uint64_t>;  ///< [rows, class_set_words(classes)]

inline ClassSetBits cpu_class_sets(const Tensor& logits, const std::vector<std::int64_t>& labels,
                                   std::int64_t kappa) {
  ClassSetBits sets(
      static_cast<std::size_t>(logits.size(0) * kernels::class_set_words(logits.size(1))));
  kernels::class_sets(cpu_context(), logits.size(0), logits.size(1), kappa, logits.data<float>(),
                      labels.data(), sets.data());
  return sets;
}

}  // namespace bptplr
