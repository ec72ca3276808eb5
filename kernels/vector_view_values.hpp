// Arithmetic of vector_views.hpp that the CPU and the GPU share.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/vector_views.hpp"

namespace bptplr::kernels {

/// Values that one Philox block serves.
inline constexpr std::int64_t kViewValues = 4;

/// Draws for values 4k to 4k + 3 of a view.
struct ViewDraws {
  float noise[kViewValues];   ///< to be added
  float factor[kViewValues];  ///< to multiply by afterwards: 0 where the value is dropped
};

/// Turns two uniform words into two normal numbers (Box and Muller 1958).
BPTPLR_HOST_DEVICE inline void normal_pair(std::uint32_t first, std::uint32_t second, float* out) {
  constexpr float kTurn = 6.2831853F;
  const float radius = std::sqrt(-2.0F * std::log(1.0F - philox_uniform(first)));
  const float angle = kTurn * philox_uniform(second);
  out[0] = radius * std::cos(angle);
  out[1] = radius * std::sin(angle);
}

/// Returns the draws of block k of a view whose vectors have `dim` values.
BPTPLR_HOST_DEVICE inline ViewDraws view_draws(const VectorProgram& program, std::int64_t dim,
                                               std::int64_t k) {
  ViewDraws draws{{0.0F, 0.0F, 0.0F, 0.0F}, {1.0F, 1.0F, 1.0F, 1.0F}};
  if (program.noise > 0.0F) {
    const std::int64_t second_half = (dim + kViewValues - 1) / kViewValues;
    const PhiloxBlock words =
        philox_block(program.stream, static_cast<std::uint32_t>(second_half + k));
    normal_pair(words.word[0], words.word[1], draws.noise);
    normal_pair(words.word[2], words.word[3], draws.noise + 2);
    for (float& value : draws.noise) value *= program.noise;
  }
  if (program.drop > 0.0F) {
    const PhiloxBlock words = philox_block(program.stream, static_cast<std::uint32_t>(k));
    const float keep = 1.0F / (1.0F - program.drop);
    for (int d = 0; d < kViewValues; ++d) {
      draws.factor[d] = philox_uniform(words.word[d]) < program.drop ? 0.0F : keep;
    }
  }
  return draws;
}

}  // namespace bptplr::kernels
