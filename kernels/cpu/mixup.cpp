#include "kernels/mixup.hpp"

#include <algorithm>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {

template <class Context, class T>
void mixup(const Context& /*ctx*/, std::int64_t rows, std::int64_t length, const double* l,
           const T* a, const T* b, const std::int64_t* perm, T* out) {
  const std::int64_t grain = kElementGrain / std::max<std::int64_t>(1, length) + 1;
  const auto weight = static_cast<T>(*l);
  const T rest = T{1} - weight;
  parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const T* own = a + i * length;
      const T* other = b + perm[i] * length;
      for (std::int64_t k = 0; k < length; ++k) {
        out[i * length + k] = weight * own[k] + rest * other[k];
      }
    }
  });
}

template void mixup(const CpuContext&, std::int64_t, std::int64_t, const double*, const float*,
                    const float*, const std::int64_t*, float*);
template void mixup(const CpuContext&, std::int64_t, std::int64_t, const double*, const double*,
                    const double*, const std::int64_t*, double*);

}  // namespace bptplr::kernels
