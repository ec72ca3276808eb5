#include "engine/tensor.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "engine/autograd.hpp"
#include "engine/dispatch.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "kernels/elementwise.hpp"

namespace bptplr {

struct Tensor::Impl {
  std::shared_ptr<void> storage;
  std::int64_t offset = 0;  // in bytes
  Shape shape;
  DType dtype = DType::kFloat32;
  Device device;
  bool requires_grad = false;
  std::shared_ptr<Node> node;
  Tensor grad;
  Tensor grad_memory;
  Tensor low_precision;
  std::function<Tensor()> recompute;

  /// Takes the elements of another tensor of this shape, for all handles.
  void take(const Impl& other) {
    storage = other.storage;
    offset = other.offset;
    dtype = other.dtype;
    device = other.device;
    low_precision = Tensor();
  }
  std::size_t bytes() const {
    return static_cast<std::size_t>(bptplr::numel(shape)) * element_size(dtype);
  }
};

std::size_t element_size(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return 4;
    case DType::kFloat64:
    case DType::kInt64:
      return 8;
    case DType::kUint8:
      return 1;
    case DType::kBfloat16:
      return 2;
  }
  return 0;
}

std::string to_string(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float32";
    case DType::kFloat64:
      return "float64";
    case DType::kInt64:
      return "int64";
    case DType::kUint8:
      return "uint8";
    case DType::kBfloat16:
      return "bfloat16";
  }
  return "unknown";
}

std::int64_t numel(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

const Tensor::Impl& Tensor::impl() const {
  require(impl_ != nullptr, "an undefined tensor has no elements");
  return *impl_;
}

Tensor::Impl& Tensor::impl() {
  require(impl_ != nullptr, "an undefined tensor has no elements");
  return *impl_;
}

Tensor Tensor::empty(Shape shape, DType dtype, Device device) {
  require(std::all_of(shape.begin(), shape.end(), [](auto n) { return n >= 0; }),
          "a tensor cannot have the negative shape {}", to_string(shape));
  auto impl = std::make_shared<Impl>();
  impl->shape = std::move(shape);
  impl->dtype = dtype;
  impl->device = device;
  impl->storage = allocate(device, impl->bytes());
  return Tensor(std::move(impl));
}

Tensor Tensor::empty_like(const Tensor& other) {
  return empty(other.shape(), other.dtype(), other.device());
}

Tensor Tensor::zeros(Shape shape, DType dtype, Device device) {
  Tensor t = empty(std::move(shape), dtype, device);
  clear_bytes(device, t.raw(), t.impl().bytes());
  return t;
}

namespace {

template <class T>
void fill(Tensor& tensor, double value) {
  on_device(tensor.device(), [&](const auto& ctx) {
    kernels::fill(ctx, static_cast<T>(value), tensor.data<T>(), tensor.numel());
  });
}

}  // namespace

Tensor Tensor::full(Shape shape, double value, DType dtype, Device device) {
  Tensor t = empty(std::move(shape), dtype, device);
  switch (dtype) {
    case DType::kFloat32:
      fill<float>(t, value);
      break;
    case DType::kFloat64:
      fill<double>(t, value);
      break;
    case DType::kInt64:
      fill<std::int64_t>(t, value);
      break;
    case DType::kUint8:
      fill<std::uint8_t>(t, value);
      break;
    case DType::kBfloat16:
      fill<bfloat16>(t, value);
      break;
  }
  return t;
}

template <class T>
Tensor Tensor::from(std::span<const T> values, Shape shape) {
  require(static_cast<std::int64_t>(values.size()) == bptplr::numel(shape),
          "{} values do not fill a tensor of shape {}", values.size(), to_string(shape));
  Tensor t = empty(std::move(shape), kDTypeOf<T>);
  if (!values.empty()) std::memcpy(t.raw(), values.data(), values.size_bytes());
  return t;
}

Tensor Tensor::from_bytes(std::span<const std::byte> bytes, Device device) {
  Tensor t = empty({std::ssize(bytes)}, DType::kUint8, device);
  copy_bytes(device, t.raw(), Device{}, bytes.data(), bytes.size());
  return t;
}

const Shape& Tensor::shape() const {
  return impl().shape;
}

std::int64_t Tensor::size(int axis) const {
  const Shape& s = shape();
  const int rank = static_cast<int>(s.size());
  const int index = axis < 0 ? axis + rank : axis;
  require(index >= 0 && index < rank, "axis {} is outside the shape {}", axis, to_string(s));
  return s[static_cast<std::size_t>(index)];
}

std::int64_t Tensor::numel() const {
  return bptplr::numel(shape());
}
DType Tensor::dtype() const {
  return impl().dtype;
}
Device Tensor::device() const {
  return impl().device;
}

template <class T>
T* Tensor::data() {
  require(dtype() == kDTypeOf<T>, "a {} tensor was used as {}", to_string(dtype()),
          to_string(kDTypeOf<T>));
  return static_cast<T*>(raw());
}

template <class T>
const T* Tensor::data() const {
  return const_cast<Tensor*>(this)->data<T>();
}

void* Tensor::raw() {
  return static_cast<char*>(impl().storage.get()) + impl().offset;
}
const void* Tensor::raw() const {
  return const_cast<Tensor*>(this)->raw();
}

double Tensor::item() const {
  require(numel() == 1, "a tensor of shape {} is not one number", to_string(shape()));
  if (device().type != DeviceType::kCpu) return to(Device{}).item();
  switch (dtype()) {
    case DType::kFloat32:
      return *data<float>();
    case DType::kFloat64:
      return *data<double>();
    case DType::kInt64:
      return static_cast<double>(*data<std::int64_t>());
    case DType::kUint8:
      return *data<std::uint8_t>();
    case DType::kBfloat16:
      return static_cast<float>(*data<bfloat16>());
  }
  return 0.0;
}

Tensor Tensor::reshape(Shape wanted) const {
  const auto free = std::find(wanted.begin(), wanted.end(), -1);
  if (free != wanted.end()) {
    *free = 1;
    const std::int64_t known = bptplr::numel(wanted);
    *free = known == 0 ? 0 : numel() / known;
  }
  require(bptplr::numel(wanted) == numel(), "a tensor of shape {} cannot become {}",
          to_string(shape()), to_string(wanted));
  Tensor result = detach();
  result.impl().shape = std::move(wanted);
  return record(std::move(result), {*this}, [before = shape()](const Tensor& grad) {
    return std::vector<Tensor>{grad.reshape(before)};
  });
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  require(!shape().empty() && begin >= 0 && begin <= end && end <= size(0),
          "rows {} to {} are outside a tensor of shape {}", begin, end, to_string(shape()));
  Tensor view = detach();
  Impl& v = view.impl();
  const std::int64_t row = size(0) == 0 ? 0 : numel() / size(0);
  v.shape[0] = end - begin;
  v.offset += begin * row * static_cast<std::int64_t>(element_size(v.dtype));
  return view;
}

Tensor Tensor::clone() const {
  Tensor copy = empty(shape(), dtype(), device());
  copy.copy_from(*this);
  return copy;
}

Tensor Tensor::detach() const {
  auto alias = std::make_shared<Impl>();
  alias->storage = impl().storage;
  alias->offset = impl().offset;
  alias->shape = impl().shape;
  alias->dtype = impl().dtype;
  alias->device = impl().device;
  return Tensor(std::move(alias));
}

Tensor Tensor::to(DType wanted) const {
  if (wanted == dtype()) return clone();
  Tensor result = empty(shape(), wanted, device());
  if (device().type != DeviceType::kCpu) {
    on_gpu(device(), [&](const auto& ctx) {
      if (wanted == DType::kBfloat16) {
        return kernels::convert(ctx, data<float>(), result.data<bfloat16>(), numel());
      }
      require(wanted == DType::kFloat32, "a {} tensor cannot become {} on a GPU",
              to_string(dtype()), to_string(wanted));
      kernels::convert(ctx, data<bfloat16>(), result.data<float>(), numel());
    });
    return result;
  }
  if (dtype() == DType::kFloat32 && wanted == DType::kFloat64) {
    kernels::convert(cpu_context(), data<float>(), result.data<double>(), numel());
  } else {
    require(dtype() == DType::kFloat64 && wanted == DType::kFloat32, "a {} tensor cannot become {}",
            to_string(dtype()), to_string(wanted));
    kernels::convert(cpu_context(), data<double>(), result.data<float>(), numel());
  }
  return result;
}

void Tensor::copy_from(const Tensor& source) {
  require(shape() == source.shape() && dtype() == source.dtype(),
          "a {} tensor of shape {} cannot be copied into a {} tensor of shape {}",
          to_string(source.dtype()), to_string(source.shape()), to_string(dtype()),
          to_string(shape()));
  copy_bytes(device(), raw(), source.device(), source.raw(), impl().bytes());
  impl().low_precision = Tensor();
}

Tensor Tensor::to(Device wanted) const {
  if (wanted == device()) return detach();
  Tensor result = empty(shape(), dtype(), wanted);
  result.copy_from(*this);
  return result;
}

void Tensor::move_to(Device wanted) {
  if (wanted != device()) impl().take(to(wanted).impl());
}

void Tensor::convert_to(DType wanted) {
  if (wanted != dtype()) impl().take(to(wanted).impl());
}

const Tensor& Tensor::grad_memory() const {
  return impl().grad_memory;
}
void Tensor::set_grad_memory(Tensor memory) {
  impl().grad_memory = std::move(memory);
}
const Tensor& Tensor::low_precision() const {
  return impl().low_precision;
}
void Tensor::set_low_precision(Tensor copy) {
  impl().low_precision = std::move(copy);
}

bool Tensor::requires_grad() const {
  return defined() && impl().requires_grad;
}

Tensor& Tensor::set_requires_grad(bool value) {
  impl().requires_grad = value;
  return *this;
}

const Tensor& Tensor::grad() const {
  return impl().grad;
}
Tensor& Tensor::mutable_grad() {
  return impl().grad;
}
const std::shared_ptr<Node>& Tensor::node() const {
  return impl().node;
}

void Tensor::set_node(std::shared_ptr<Node> node) {
  impl().node = std::move(node);
  impl().requires_grad = true;
}

const std::function<Tensor()>& Tensor::recompute() const {
  return impl().recompute;
}

void Tensor::set_recompute(std::function<Tensor()> recompute) {
  impl().recompute = std::move(recompute);
}

bool Tensor::unique_storage() const {
  return impl_.use_count() == 1 && impl().storage.use_count() == 1;
}

#define BPTPLR_INSTANTIATE(T)                              \
  template Tensor Tensor::from(std::span<const T>, Shape); \
  template T* Tensor::data();                              \
  template const T* Tensor::data() const;
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
BPTPLR_INSTANTIATE(std::int64_t)
BPTPLR_INSTANTIATE(std::uint8_t)
BPTPLR_INSTANTIATE(bfloat16)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr
