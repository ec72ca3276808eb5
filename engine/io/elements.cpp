#include "engine/io/elements.hpp"

#include <cstring>
#include <utility>

#include "engine/error.hpp"
#include "kernels/float16.hpp"

namespace bptplr {
namespace {

template <class From, class To, class Convert>
void convert_each(const char* from, std::size_t count, void* to, Convert&& convert) {
  for (std::size_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, from + i * sizeof(From), sizeof(From));
    static_cast<To*>(to)[i] = convert(value);
  }
}

template <class From, class To>
void cast(const char* from, std::size_t count, void* to) {
  convert_each<From, To>(from, count, to, [](From value) { return static_cast<To>(value); });
}

using Integer = std::int64_t;

constexpr FileElements kTypes[] = {
    {"F32", "f4", "FloatStorage", 4, DType::kFloat32, cast<float, float>},
    {"F64", "f8", "DoubleStorage", 8, DType::kFloat64, cast<double, double>},
    {"F16", "f2", "HalfStorage", 2, DType::kFloat32, cast<kernels::float16, float>},
    {"BF16", "", "BFloat16Storage", 2, DType::kFloat32, cast<bfloat16, float>},
    {"I64", "i8", "LongStorage", 8, DType::kInt64, cast<std::int64_t, Integer>},
    {"I32", "i4", "IntStorage", 4, DType::kInt64, cast<std::int32_t, Integer>},
    {"I16", "i2", "ShortStorage", 2, DType::kInt64, cast<std::int16_t, Integer>},
    {"I8", "i1", "CharStorage", 1, DType::kInt64, cast<std::int8_t, Integer>},
    // Numbers of 2^63 and more, which no weight or label has, become negative.
    {"U64", "u8", "", 8, DType::kInt64, cast<std::uint64_t, Integer>},
    {"U32", "u4", "", 4, DType::kInt64, cast<std::uint32_t, Integer>},
    {"U16", "u2", "", 2, DType::kInt64, cast<std::uint16_t, Integer>},
    {"U8", "u1", "ByteStorage", 1, DType::kUint8, cast<std::uint8_t, std::uint8_t>},
    {"BOOL", "b1", "BoolStorage", 1, DType::kUint8, cast<std::uint8_t, std::uint8_t>}};

const FileElements* find(std::string_view FileElements::*format, std::string_view name) {
  for (const FileElements& type : kTypes) {
    if (!name.empty() && type.*format == name) return &type;
  }
  return nullptr;
}

}  // namespace

const FileElements* safetensors_elements(std::string_view name) {
  return find(&FileElements::safetensors, name);
}

const FileElements* numpy_elements(std::string_view name) {
  return find(&FileElements::numpy, name);
}

const FileElements* torch_elements(std::string_view name) {
  return find(&FileElements::torch, name);
}

Tensor tensor_of(const FileElements& type, Shape shape, std::string_view bytes) {
  Tensor tensor = Tensor::empty(std::move(shape), type.dtype);
  const auto count = static_cast<std::size_t>(tensor.numel());
  require(bytes.size() == count * type.bytes, "{} bytes for {} elements of {} bytes each",
          bytes.size(), count, type.bytes);
  type.convert(bytes.data(), count, tensor.raw());
  return tensor;
}

}  // namespace bptplr
