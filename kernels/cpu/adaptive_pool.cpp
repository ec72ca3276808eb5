// The maps are small: an image's pixels and map stay in the nearest caches, so that the order of
// the loops is that of the map, which is written once.
#include "kernels/adaptive_pool.hpp"

#include <algorithm>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// Calls fn(image, channel, index in the map of the channel, rows, columns) for all cells; images
/// in parallel.
template <class Fn>
void for_each_cell(const AdaptivePoolShape& s, Fn&& fn) {
  const auto side = static_cast<int>(s.side);
  parallel_for(s.n, 1, [&](std::int64_t image, std::int64_t) {
    for (std::int64_t channel = 0; channel < s.c; ++channel) {
      for (int p = 0; p < side; ++p) {
        for (int q = 0; q < side; ++q) {
          fn(image, channel, p * side + q, pixels_of_cell(p, static_cast<int>(s.h), side),
             pixels_of_cell(q, static_cast<int>(s.w), side));
        }
      }
    }
  });
}

}  // namespace

template <class Context, class T>
void adaptive_avg_pool_forward(const Context&, const AdaptivePoolShape& s, const T* x,
                               StatOf<T>* y) {
  for_each_cell(s, [&](std::int64_t image, std::int64_t channel, int cell, AxisRange rows,
                       AxisRange columns) {
    T sum{0};
    for (int i = rows.begin; i < rows.end; ++i) {
      for (int j = columns.begin; j < columns.end; ++j) {
        sum += x[((image * s.h + i) * s.w + j) * s.c + channel];
      }
    }
    y[(image * s.c + channel) * s.cells() + cell] =
        sum / static_cast<T>(rows.size() * columns.size());
  });
}

template <class Context, class T>
void adaptive_avg_pool_backward(const Context&, const AdaptivePoolShape& s, const StatOf<T>* dy,
                                T* dx) {
  std::fill_n(dx, s.n * s.h * s.w * s.c, T{0});
  for_each_cell(s, [&](std::int64_t image, std::int64_t channel, int cell, AxisRange rows,
                       AxisRange columns) {
    const T share = dy[(image * s.c + channel) * s.cells() + cell] /
                    static_cast<T>(rows.size() * columns.size());
    for (int i = rows.begin; i < rows.end; ++i) {
      for (int j = columns.begin; j < columns.end; ++j) {
        dx[((image * s.h + i) * s.w + j) * s.c + channel] += share;
      }
    }
  });
}

#define BPTPLR_INSTANTIATE(T)                                                                     \
  template void adaptive_avg_pool_forward(const CpuContext&, const AdaptivePoolShape&, const T*,  \
                                          T*);                                                    \
  template void adaptive_avg_pool_backward(const CpuContext&, const AdaptivePoolShape&, const T*, \
                                           T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
