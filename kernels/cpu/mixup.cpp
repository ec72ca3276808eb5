#include "kernels/mixup.hpp"

#include <algorithm>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {

void mixup(const CpuContext& /*ctx*/, std::int64_t rows, std::int64_t length, float l,
           const float* a, const std::int64_t* perm, float* out) {
  const std::int64_t grain = kElementGrain / std::max<std::int64_t>(1, length) + 1;
  const float rest = 1.0F - l;
  parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float* own = a + i * length;
      const float* other = a + perm[i] * length;
      for (std::int64_t k = 0; k < length; ++k) out[i * length + k] = l * own[k] + rest * other[k];
    }
  });
}

}  // namespace bptplr::kernels
