// Counter-based random numbers: each is a pure function of (seed, purpose, epoch, sample, draw), so
// it is the same for any number of threads, on any device and after any interruption.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/philox.hpp"

namespace bptplr {

/// Purpose of random numbers; each has streams of its own. The values determine what a seed means:
/// append, never renumber.
enum class Purpose : std::uint32_t {
  kInit = 0,         ///< network initialisation
  kNoise = 1,        ///< label noise
  kSubset = 2,       ///< class-balanced subset of the training set
  kShuffle = 3,      ///< order of the samples in warm-up and baseline epochs
  kLabelled = 4,     ///< order of the labelled set
  kUnlabelled = 5,   ///< order of the unlabelled set
  kAugment = 6,      ///< crops, flips, AutoAugment policies
  kMixUp = 7,        ///< MixUp weight and permutation
  kGmm = 8,          ///< k-means++ seeds
  kShapes = 9,       ///< the procedural image set
  kPrototypes = 10,  ///< initial prototypes
  kDropout = 11,     ///< masks of dropout
  kTestSplit = 12,   ///< training images that become test images of a set without any
  kBalanced = 13,    ///< class-balanced draw of an epoch
  kFolds = 14,       ///< folds of the training set
  kTest = 1000,      ///< unit tests
};

/// Stream of random numbers over Philox4x32-10: key = seed, counter = (block, sample, epoch,
/// purpose and draw).
class Philox {
 public:
  /// Receives `draw` (< 2^20), which distinguishes several uses of one sample in one epoch, e.g.
  /// its views.
  Philox(std::uint64_t seed, Purpose purpose, std::uint32_t epoch = 0, std::uint32_t sample = 0,
         std::uint32_t draw = 0);

  std::uint32_t next();
  /// Passes over what is left of the current block of four words and over `blocks` more; a normal
  /// number takes a block.
  void skip_blocks(std::uint32_t blocks);
  /// Returns a uniform number in [0, 1) of 24 bits.
  float uniform();
  /// Returns a uniform number in [0, 1) of 53 bits.
  double uniform_double();
  /// Returns a uniform integer in {0, ..., n-1}, without bias; n > 0.
  std::uint32_t below(std::uint32_t n);
  /// Returns a standard normal number (Box-Muller).
  double normal();
  /// Returns a Gamma(shape, 1) number, shape > 0 (Marsaglia and Tsang 2000).
  double gamma(double shape);
  /// Returns a Beta(a, b) number, a, b > 0, however small or large they are.
  double beta(double a, double b);
  /// Returns a uniform permutation of 0..n-1 (Fisher-Yates).
  std::vector<std::int64_t> permutation(std::int64_t n);

  /// Returns the rest of the stream from the next block of four words on, for kernels that draw in
  /// parallel. For a fresh Philox, word i is what the i-th call of next() would return.
  const kernels::PhiloxStream& stream() const { return stream_; }

 private:
  /// Gamma number in parts, as one of a tiny shape is too small for a double: factor *
  /// base^(1 / shape).
  struct GammaDraw {
    double factor;
    double base;
    double shape;

    double value() const;
    /// Returns scale * log(value).
    double scaled_log(double scale) const;
  };
  GammaDraw draw_gamma(double shape);

  kernels::PhiloxStream stream_;  ///< of the blocks to come
  kernels::PhiloxBlock block_{};
  int used_ = 4;
};

}  // namespace bptplr
