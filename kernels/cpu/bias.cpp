// The rows are cut into chunks that fit a core's cache. The gradient has one partial sum a chunk,
// added up in the order of the chunks, in double precision.
#include "kernels/bias.hpp"

#include <algorithm>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

std::int64_t rows_per_chunk(std::int64_t channels) {
  return std::max<std::int64_t>(1, kElementGrain / std::max<std::int64_t>(channels, 1));
}

}  // namespace

template <class Context, class T>
void add_bias(const Context&, std::int64_t rows, std::int64_t channels, const StatOf<T>* bias,
              T* y) {
  parallel_for(rows, rows_per_chunk(channels), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) y[r * channels + c] += bias[c];
    }
  });
}

template <class Context, class T>
void bias_gradient(const Context& ctx, std::int64_t rows, std::int64_t channels, const T* dy,
                   StatOf<T>* dbias) {
  const std::int64_t grain = rows_per_chunk(channels);
  const std::int64_t chunks = chunk_count(rows, grain);
  T* partial = ctx.template scratch<T>(chunks * channels);
  parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    T* own = partial + begin / grain * channels;
    std::fill_n(own, channels, T{0});
    for (std::int64_t r = begin; r < end; ++r) {
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) own[c] += dy[r * channels + c];
    }
  });
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0.0;
    for (std::int64_t k = 0; k < chunks; ++k) sum += partial[k * channels + c];
    dbias[c] = static_cast<T>(sum);
  }
}

#define BPTPLR_INSTANTIATE(T)                                                          \
  template void add_bias(const CpuContext&, std::int64_t, std::int64_t, const T*, T*); \
  template void bias_gradient(const CpuContext&, std::int64_t, std::int64_t, const T*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
