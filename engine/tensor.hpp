// Tensor: a typed, dense, row-major array on a device, with a place in the autograd tape.
//
// A Tensor is a handle: copies share the elements, as in PyTorch. Images are NHWC, convolution
// weights KRSC. float64 exists so that gradients can be checked by finite differences; training
// uses float32, or bfloat16 activations on a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/device.hpp"
#include "kernels/bfloat16.hpp"

namespace bptplr {

enum class DType { kFloat32, kFloat64, kInt64, kUint8, kBfloat16 };

using kernels::bfloat16;

std::size_t element_size(DType dtype);
std::string to_string(DType dtype);

template <class T>
inline constexpr DType kDTypeOf = [] {
  static_assert(sizeof(T) == 0, "no tensor holds this type");
  return DType::kFloat32;
}();
template <>
inline constexpr DType kDTypeOf<float> = DType::kFloat32;
template <>
inline constexpr DType kDTypeOf<double> = DType::kFloat64;
template <>
inline constexpr DType kDTypeOf<std::int64_t> = DType::kInt64;
template <>
inline constexpr DType kDTypeOf<std::uint8_t> = DType::kUint8;
template <>
inline constexpr DType kDTypeOf<bfloat16> = DType::kBfloat16;

using Shape = std::vector<std::int64_t>;

std::int64_t numel(const Shape& shape);
/// Returns a shape as "[2, 3]".
std::string to_string(const Shape& shape);

struct Node;  // engine/autograd.hpp

class Tensor {
 public:
  /// Creates an undefined tensor: no shape, no elements.
  Tensor() = default;

  /// Returns a tensor with uninitialised elements.
  static Tensor empty(Shape shape, DType dtype = DType::kFloat32, Device device = {});
  /// Returns a tensor of the shape and type of `other` with uninitialised elements.
  static Tensor empty_like(const Tensor& other);
  static Tensor zeros(Shape shape, DType dtype = DType::kFloat32, Device device = {});
  static Tensor full(Shape shape, double value, DType dtype = DType::kFloat32, Device device = {});
  /// Returns a tensor with a copy of `values`, whose number must be that of `shape`.
  template <class T>
  static Tensor from(std::span<const T> values, Shape shape);
  template <class T>
  static Tensor from(const std::vector<T>& values, Shape shape) {
    return from(std::span<const T>(values), std::move(shape));
  }

  /// Returns the bytes of plain structs as a uint8 tensor on any device.
  static Tensor from_bytes(std::span<const std::byte> bytes, Device device);

  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const;
  /// Returns the length of an axis; negative axes count from the last.
  std::int64_t size(int axis) const;
  std::int64_t numel() const;
  DType dtype() const;
  Device device() const;

  /// Returns the elements, in the memory of the tensor's device. Throws Error unless T is its type.
  template <class T>
  T* data();
  template <class T>
  const T* data() const;
  template <class T>
  std::span<const T> span() const {
    return {data<T>(), static_cast<std::size_t>(numel())};
  }
  /// Returns the elements as raw bytes.
  void* raw();
  const void* raw() const;
  /// Returns the value of a tensor of one element as double. Waits for the device.
  double item() const;

  /// Returns the same elements under another shape; one axis may be -1. Differentiable.
  Tensor reshape(Shape shape) const;
  /// Returns a view of [begin, end) of the first axis, not a copy and not differentiable (see
  /// ops.hpp for `slice`).
  Tensor rows(std::int64_t begin, std::int64_t end) const;
  /// Returns a copy of the elements, outside the tape.
  Tensor clone() const;
  /// Returns a tensor that shares the elements, outside the tape.
  Tensor detach() const;
  /// Returns a copy in another floating-point type, outside the tape.
  Tensor to(DType dtype) const;
  /// Returns a copy on another device, outside the tape; shares the elements if they are there
  /// already.
  Tensor to(Device device) const;
  /// Moves the elements to another device, for all handles that share them.
  void move_to(Device device);
  /// Converts the elements to another floating-point type, for all handles that share them.
  void convert_to(DType dtype);
  /// Overwrites the elements; shape and type must agree, the devices need not.
  void copy_from(const Tensor& source);

  // --- autograd -------------------------------------------------------------------------------
  /// Returns whether a gradient is needed: true for a parameter and for everything computed from
  /// one while recording is on.
  bool requires_grad() const;
  /// Makes this a leaf whose gradient `backward` keeps.
  Tensor& set_requires_grad(bool value);
  /// Returns the gradient that `backward` accumulated into this leaf; undefined before.
  const Tensor& grad() const;
  /// Returns the gradient, to be set or cleared.
  Tensor& mutable_grad();
  /// Returns the memory for the gradient of this leaf, so that its address never changes;
  /// undefined: the gradient has no fixed place.
  const Tensor& grad_memory() const;
  void set_grad_memory(Tensor memory);
  const std::shared_ptr<Node>& node() const;
  void set_node(std::shared_ptr<Node> node);
  /// Returns the bfloat16 copy of a float32 parameter, which the optimiser keeps up to date;
  /// undefined if none has been requested. Changing the elements by copy_from drops it.
  const Tensor& low_precision() const;
  void set_low_precision(Tensor copy);
  /// Returns the function that recomputes the elements, for results that are cheaper to recompute
  /// than to keep (see SavedTensor); empty for most.
  const std::function<Tensor()>& recompute() const;
  void set_recompute(std::function<Tensor()> recompute);
  /// Returns whether no other tensor shares the elements, so that they may be overwritten.
  bool unique_storage() const;

 private:
  struct Impl;
  explicit Tensor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const;
  Impl& impl();
  std::shared_ptr<Impl> impl_;
};

}  // namespace bptplr
