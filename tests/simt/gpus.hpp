// GPUs that the executor can pretend to be.
#pragma once

#include <array>

#include "tests/simt/executor.hpp"

namespace bptplr {

/// One of each kind that differs in what a block may have: A100, RTX 30, RTX 40, H100, B200,
/// RTX 50.
inline constexpr std::array<simt::Gpu, 6> kGpus{{{8, 0, 108, 163 << 10},
                                                 {8, 6, 84, 99 << 10},
                                                 {8, 9, 128, 99 << 10},
                                                 {9, 0, 132, 227 << 10},
                                                 {10, 0, 148, 227 << 10},
                                                 {12, 0, 170, 99 << 10}}};

/// Simulates a GPU while it lives.
class SimulatedGpu {
 public:
  explicit SimulatedGpu(const simt::Gpu& gpu) { simt::set_gpu(gpu); }
  SimulatedGpu(const SimulatedGpu&) = delete;
  SimulatedGpu& operator=(const SimulatedGpu&) = delete;
  ~SimulatedGpu() { simt::set_gpu({}); }
};

}  // namespace bptplr
