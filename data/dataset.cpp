#include "data/dataset.hpp"

#include <algorithm>

namespace bptplr {

Vectors Vectors::in_memory(std::int64_t dim, std::vector<float> values) {
  const auto owner = std::make_shared<const std::vector<float>>(std::move(values));
  const auto bytes = std::as_bytes(std::span(*owner));
  Vectors vectors;
  vectors.count = static_cast<std::int64_t>(owner->size()) / dim;
  vectors.dim = dim;
  vectors.bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  vectors.owner = owner;
  return vectors;
}

void Vectors::read(std::int64_t i, std::span<float> out) const {
  if (type == kernels::VectorType::kFloat16) {
    const auto* half = reinterpret_cast<const kernels::float16*>(vector(i));
    std::transform(half, half + dim, out.begin(), [](auto v) { return static_cast<float>(v); });
  } else {
    std::copy_n(reinterpret_cast<const float*>(vector(i)), dim, out.begin());
  }
  if (root) {
    for (float& value : out) value = kernels::vector_value(value, true);
  }
}

void Split::read_normalised(std::int64_t i, std::span<const float> mean, std::span<const float> std,
                            std::span<float> out) const {
  if (has_vectors()) {
    vectors.read(i, out);
  } else {
    std::transform(images.image(i), images.image(i + 1), out.begin(),
                   [](std::uint8_t pixel) { return static_cast<float>(pixel) / 255.0F; });
  }
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] = (out[k] - mean[k % mean.size()]) / std[k % std.size()];
  }
}

std::span<const std::uint8_t> Split::sample(std::int64_t i) const {
  if (has_vectors()) {
    return {vectors.vector(i), static_cast<std::size_t>(vectors.bytes_per_vector())};
  }
  return {images.image(i), static_cast<std::size_t>(images.bytes_per_image())};
}

}  // namespace bptplr
