// Judges each sample by a classifier that has not seen its label: kernel ridge regression on the
// features of the other folds, whose targets are the labels as the networks correct them.
//
// k(a, b) = exp(-|a - b|^2 / m), with m the median of |a - b|^2, on standardised features. With
// more samples than kLandmarks, functions are sums of kernels at so many of them, drawn at random
// (Williams and Seeger, "Using the Nystroem Method to Speed Up Kernel Machines", NIPS 2000), so
// that time grows with the number of samples.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "data/dataset.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// Samples at which kernels stand, at most.
inline constexpr std::int64_t kLandmarks = 1500;

struct KernelClassifierOptions {
  std::int64_t folds = 5;
  std::uint64_t seed = 0;
};

/// Returns scores [N, C] of the samples of `split`, vectors normalised by mean and std, each by a
/// regression on `targets` [N, C], distributions over the classes, of the samples of the other
/// folds, which `fold_of` [N] tells. float32 on the CPU; the same bits for any number of threads.
/// `progress`, unless empty, is told the share that is done and may throw to stop.
Tensor out_of_fold_scores(const Split& split, std::span<const float> mean,
                          std::span<const float> std, const Tensor& targets,
                          std::span<const std::int64_t> fold_of,
                          const KernelClassifierOptions& options,
                          const std::function<void(double share)>& progress = {});

}  // namespace bptplr
