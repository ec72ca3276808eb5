// Views of samples that networks are trained and tested on: unchanged, weakly or strongly
// augmented. A kind of samples has its own ViewMaker: image_views.hpp, vector_views.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

enum class View {
  kTest,    ///< the sample as it is; of an image, the crop in its middle
  kWeak,    ///< slightly changed, as the maker of its kind says
  kStrong,  ///< changed as much as its class bears
};

/// Key of the random numbers of views. Views of one sample in one epoch must differ in `draw` (<
/// 2^20), or they are identical.
struct ViewStream {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t draw = 0;
};

/// View of sample `index` that is planned but not made.
struct PlannedView {
  std::int64_t index = 0;
  View view = View::kTest;
  ViewStream stream;
};

/// Planned views in the form that a device's kernels read. Tensors on the CPU can be copied there.
struct ViewInputs {
  Tensor samples;   ///< the samples themselves, uint8; undefined if they are stored elsewhere
  Tensor rows;      ///< int64 [n], sample of each view
  Tensor programs;  ///< bytes of n programs, what a kernel does for each view
};

ViewInputs to(const ViewInputs& inputs, Device device);

/// Makes views of one set of samples on one device.
class ViewMaker {
 public:
  virtual ~ViewMaker() = default;

  /// Returns the number of samples.
  virtual std::int64_t count() const = 0;
  /// Returns memory for `count` views, [count, ...].
  virtual Tensor empty(std::int64_t count) const = 0;
  /// Writes planned views down, on the CPU.
  virtual ViewInputs inputs(std::span<const PlannedView> plan) const = 0;
  /// Makes views from inputs on this device, in `out`, allocated by `empty`. A view depends on its
  /// plan alone, not on its batch.
  virtual void make(const ViewInputs& inputs, Tensor out) const = 0;
  /// Starts reading samples on disk whose views will be made next.
  virtual void prefetch(std::span<const std::int64_t> indices) const = 0;

  Device device() const { return device_; }
  /// Plans a view of each sample. Throws Error for an index out of range.
  std::vector<PlannedView> plan(std::span<const std::int64_t> indices, View view,
                                const ViewStream& stream) const;
  /// Plans views and makes them, to make them only once.
  void make(std::span<const std::int64_t> indices, View view, const ViewStream& stream,
            Tensor out) const;

 protected:
  explicit ViewMaker(Device device) : device_(device) {}
  /// Returns inputs without programs for samples that the maker holds.
  static ViewInputs stored(std::span<const PlannedView> plan);
  /// Returns inputs without programs with the samples beside them, each of `bytes` at `at(index)`.
  static ViewInputs gathered(std::span<const PlannedView> plan, std::int64_t bytes,
                             const std::function<const std::uint8_t*(std::int64_t)>& at);

 private:
  Device device_;
};

}  // namespace bptplr
