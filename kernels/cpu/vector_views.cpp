#include "kernels/vector_views.hpp"

#include <algorithm>

#include "kernels/parallel.hpp"
#include "kernels/vector_view_values.hpp"

namespace bptplr::kernels {
namespace {

/// Standardises the values of x into z [dim], a loop that the compiler turns into vector code.
template <class V, class T>
void standardise(const V* x, bool root, const float* mean, const float* scale, std::int64_t dim,
                 T* z) {
  for (std::int64_t d = 0; d < dim; ++d) {
    z[d] = static_cast<T>((vector_value(static_cast<float>(x[d]), root) - mean[d]) * scale[d]);
  }
}

template <class T>
void randomise(const VectorProgram& program, std::int64_t dim, T* z) {
  for (std::int64_t first = 0; first < dim; first += kViewValues) {
    const ViewDraws draws = view_draws(program, dim, first / kViewValues);
    for (std::int64_t k = 0; k < std::min(kViewValues, dim - first); ++k) {
      const float value = static_cast<float>(z[first + k]) + draws.noise[k];
      z[first + k] = static_cast<T>(value * draws.factor[k]);
    }
  }
}

}  // namespace

template <class Context, class T>
void vector_views(const Context&, const VectorShape& s, const std::uint8_t* vectors,
                  const std::int64_t* rows, const VectorProgram* programs, const float* mean,
                  const float* scale, T* out) {
  const std::int64_t grain = kElementGrain / std::max<std::int64_t>(s.dim, 1) + 1;
  parallel_for(s.count, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      T* z = out + i * s.dim;
      if (s.type == VectorType::kFloat16) {
        const auto* x = reinterpret_cast<const float16*>(vectors) + rows[i] * s.dim;
        standardise(x, s.root, mean, scale, s.dim, z);
      } else {
        const auto* x = reinterpret_cast<const float*>(vectors) + rows[i] * s.dim;
        standardise(x, s.root, mean, scale, s.dim, z);
      }
      if (programs[i].noise > 0.0F || programs[i].drop > 0.0F) randomise(programs[i], s.dim, z);
    }
  });
}

template void vector_views(const CpuContext&, const VectorShape&, const std::uint8_t*,
                           const std::int64_t*, const VectorProgram*, const float*, const float*,
                           float*);
template void vector_views(const CpuContext&, const VectorShape&, const std::uint8_t*,
                           const std::int64_t*, const VectorProgram*, const float*, const float*,
                           double*);

}  // namespace bptplr::kernels
