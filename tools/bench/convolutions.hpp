// The convolutions of our networks, timed: ours with every tiling, and cuDNN's.
#pragma once

#include "tools/bench/kernel_timer.hpp"

namespace bptplr {

struct ConvolutionOptions {
  std::int64_t images = 128;  ///< of a batch
  std::int64_t width = 64;    ///< of the networks
  double tflops = 989;        ///< peak of the tensor cores, bfloat16 without sparsity: H100, H200
};

/// One line of JSON for each way to do each pass of each shape, with its share of the floor: the
/// longer of its operations at the peak and its bytes at the bandwidth of a plain copy.
void time_convolutions(const KernelTimer& timer, const ConvolutionOptions& options);

}  // namespace bptplr
