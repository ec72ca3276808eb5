// Times the convolutions of our networks: ours with every tiling, and cuDNN's.
#pragma once

#include "tools/bench/kernel_timer.hpp"

namespace bptplr {

struct ConvolutionOptions {
  std::int64_t images = 128;  ///< batch size
  std::int64_t width = 64;    ///< of the networks
  double tflops = 989;        ///< peak of the tensor cores, bfloat16 without sparsity: H100, H200
};

/// Prints one line of JSON for each implementation of each pass of each shape, with its share of
/// the floor: the longer of its operations at peak rate and its bytes at the bandwidth of a copy.
void time_convolutions(const KernelTimer& timer, const ConvolutionOptions& options);

}  // namespace bptplr
