#include "kernels/gather.hpp"

#include <algorithm>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {

template <class Context, class T>
void gather_rows(const Context& /*ctx*/, std::int64_t rows, std::int64_t length, const T* source,
                 const std::int64_t* index, T* out) {
  const std::int64_t grain = kElementGrain / std::max<std::int64_t>(1, length) + 1;
  parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::copy_n(source + index[i] * length, length, out + i * length);
    }
  });
}

#define BPTPLR_INSTANTIATE(T)                                                        \
  template void gather_rows(const CpuContext&, std::int64_t, std::int64_t, const T*, \
                            const std::int64_t*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
BPTPLR_INSTANTIATE(bfloat16)
BPTPLR_INSTANTIATE(std::int64_t)
BPTPLR_INSTANTIATE(std::uint64_t)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
