// Views of vectors, which have no crops or colours to change: weak ones drop values and add noise,
// strong ones more of both. Dropped values ask a network for the class from a part of the features
// (as the crop of an image does); noise, in standard deviations of each value over the set, makes
// it smooth around each sample.
#pragma once

#include <cstdint>
#include <span>

#include "data/dataset.hpp"
#include "data/sample_memory.hpp"
#include "data/views.hpp"

namespace bptplr {

/// How much views change vectors; index 0 is for weak ones, 1 for strong ones.
struct VectorChanges {
  float drop[2] = {0.0F, 0.0F};   ///< share of values set to their mean, in [0, 1)
  float noise[2] = {0.0F, 0.0F};  ///< standard deviation of the noise
};

/// Makes views [count, dim] of vectors, (x - mean[d]) / std[d] and what the changes do to that.
class VectorViews final : public ViewMaker {
 public:
  /// Receives `vectors`, which must outlive it, and mean and std [dim] of each value. Inputs are
  /// float32 or, on a GPU, bfloat16. Throws Error for other lengths of mean and std, and when the
  /// GPU lacks memory for the vectors.
  VectorViews(const Vectors& vectors, std::span<const float> mean, std::span<const float> std,
              const VectorChanges& changes = {}, Device device = {}, DType dtype = DType::kFloat32,
              SampleMemory memory = SampleMemory::kAuto);

  std::int64_t count() const override { return vectors_.count; }
  Tensor empty(std::int64_t count) const override;
  ViewInputs inputs(std::span<const PlannedView> plan) const override;
  using ViewMaker::make;
  void make(const ViewInputs& inputs, Tensor out) const override;
  void prefetch(std::span<const std::int64_t> indices) const override;

 private:
  Tensor programs_of(std::span<const PlannedView> plan) const;
  /// The vectors that the views of `inputs` are made of, in memory of the device.
  const std::uint8_t* values_of(const ViewInputs& inputs) const;

  const Vectors& vectors_;
  VectorChanges changes_;
  DType dtype_;
  Tensor mean_;    ///< [dim] on the device
  Tensor scale_;   ///< [dim] 1 / std
  Tensor values_;  ///< the bytes of all vectors on a GPU; undefined if they stay in vectors_
};

}  // namespace bptplr
