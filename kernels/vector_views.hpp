// Views of vectors, such as features of a pretrained network: standardised, Gaussian noise added,
// values dropped. All randomness is a pure function of the program of a view, on any device.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/context.hpp"
#include "kernels/float16.hpp"
#include "kernels/philox.hpp"

namespace bptplr::kernels {

/// Type of the values of stored vectors.
enum class VectorType : std::int32_t { kFloat16, kFloat32 };

/// What is done to one vector. Trivially copyable.
struct VectorProgram {
  /// Word d of the stream decides whether value d is dropped; words 4k to 4k + 3 of the second half
  /// of its blocks make the noise of values 4k to 4k + 3.
  PhiloxStream stream{};
  float noise = 0.0F;  ///< standard deviation of the noise, in those of the value over the set
  float drop = 0.0F;   ///< share of values set to 0, the mean over the set, in [0, 1)
};

/// Views [count, dim] of vectors [any, dim].
struct VectorShape {
  std::int64_t count = 0;
  std::int64_t dim = 0;  ///< below 2^30
  VectorType type = VectorType::kFloat32;
  bool root = false;  ///< whether x stands for its signed square root
};

/// Returns the value that networks see of a stored one: itself, or sign(x) sqrt(|x|).
BPTPLR_HOST_DEVICE inline float vector_value(float x, bool root) {
  return root ? std::copysign(std::sqrt(std::fabs(x)), x) : x;
}

/// Computes z = (x - mean) * scale of the vector_values x of vectors[rows[i]], then z + noise *
/// N(0, 1), then 0 where u < drop and z / (1 - drop) elsewhere. vectors: values of `type`, aligned
/// to them; rows, programs: [count]; mean, scale: [dim]; out: [count, dim], float, or that float as
/// double on a CPU or rounded to bfloat16 on a GPU. CPU and GPU differ by the rounding of log, sine
/// and cosine.
template <class Context, class T>
void vector_views(const Context& ctx, const VectorShape& shape, const std::uint8_t* vectors,
                  const std::int64_t* rows, const VectorProgram* programs, const float* mean,
                  const float* scale, T* out);

}  // namespace bptplr::kernels
