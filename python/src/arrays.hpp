// Converts NumPy arrays to and from the library's types, without copies.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "data/dataset.hpp"
#include "engine/tensor.hpp"
#include "python/src/gil.hpp"

namespace bptplr::python {

namespace nb = nanobind;

/// Row-major array passed from Python; its elements are only read.
template <class T, int kAxes>
using In = nb::ndarray<const T, nb::ndim<kAxes>, nb::c_contig, nb::device::cpu>;
/// Array returned to Python.
template <class T>
using Out = nb::ndarray<nb::numpy, T>;

template <class Array>
auto span_of(const Array& array) {
  return std::span(array.data(), array.size());
}

/// Returns images over uint8 [N, height, width, 3]; the array must outlive them.
inline Images images_of(const In<std::uint8_t, 4>& pixels) {
  return {static_cast<std::int64_t>(pixels.shape(0)),
          static_cast<int>(pixels.shape(1)),
          static_cast<int>(pixels.shape(2)),
          span_of(pixels),
          nullptr,
          false};
}

/// Returns samples over images uint8 [N, height, width, 3] or vectors float32 [N, D], which must
/// outlive them.
inline Split samples_of(const In<std::uint8_t, 4>& pixels) {
  return {.images = images_of(pixels), .labels = {}};
}
inline Split samples_of(const In<float, 2>& values) {
  Split split;
  split.vectors.count = static_cast<std::int64_t>(values.shape(0));
  split.vectors.dim = static_cast<std::int64_t>(values.shape(1));
  const auto bytes = std::as_bytes(span_of(values));
  split.vectors.bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  return split;
}

/// Returns an array of `shape` over data that `owner` keeps alive.
template <class T, class Owner>
Out<T> to_numpy(T* data, const Shape& shape, Owner owner) {
  auto kept = std::make_unique<Owner>(std::move(owner));
  const nb::capsule capsule(kept.get(),
                            [](void* memory) noexcept { delete static_cast<Owner*>(memory); });
  static_cast<void>(kept.release());  // owned by the capsule from here on
  const std::vector<std::size_t> sides(shape.begin(), shape.end());
  return Out<T>(data, sides.size(), sides.data(), capsule);
}

template <class T>
Out<T> to_numpy(std::vector<T> values) {
  T* data = values.data();  // stays valid when the vector is moved
  const Shape shape{std::ssize(values)};
  return to_numpy(data, shape, std::move(values));
}

template <class T>
Out<T> to_numpy(Tensor tensor) {
  return to_numpy(tensor.data<T>(), tensor.shape(), tensor);
}

}  // namespace bptplr::python
