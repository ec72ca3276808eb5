#include "kernels/pool.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/window.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// Calls fn(image, p, q, index of channel 0 of output (p, q)) for all outputs; images in parallel.
template <class Fn>
void for_each_output(const PoolShape& s, Fn&& fn) {
  parallel_for(s.n, 1, [&](std::int64_t image, std::int64_t) {
    for (std::int64_t p = 0; p < s.out_h(); ++p) {
      for (std::int64_t q = 0; q < s.out_w(); ++q) {
        fn(image, p, q, ((image * s.out_h() + p) * s.out_w() + q) * s.c);
      }
    }
  });
}

}  // namespace

template <class Context, class T>
void global_avg_pool_forward(const Context&, std::int64_t n, std::int64_t pixels, std::int64_t c,
                             const T* x, StatOf<T>* y) {
  const T inverse = T{1} / static_cast<T>(pixels);
  parallel_for(n, 1, [&](std::int64_t image, std::int64_t) {
    T* row = y + image * c;
    std::fill_n(row, c, T{0});
    for (std::int64_t p = 0; p < pixels; ++p) {
      for (std::int64_t k = 0; k < c; ++k) row[k] += x[(image * pixels + p) * c + k];
    }
    for (std::int64_t k = 0; k < c; ++k) row[k] *= inverse;
  });
}

template <class Context, class T>
void global_avg_pool_backward(const Context&, std::int64_t n, std::int64_t pixels, std::int64_t c,
                              const StatOf<T>* dy, T* dx) {
  const T inverse = T{1} / static_cast<T>(pixels);
  parallel_for(n, 1, [&](std::int64_t image, std::int64_t) {
    for (std::int64_t p = 0; p < pixels; ++p) {
      for (std::int64_t k = 0; k < c; ++k) {
        dx[(image * pixels + p) * c + k] = dy[image * c + k] * inverse;
      }
    }
  });
}

template <class Context, class T>
void max_pool_forward(const Context&, const PoolShape& s, const T* x, T* y, std::uint8_t* winner) {
  for_each_output(s, [&](std::int64_t image, std::int64_t p, std::int64_t q, std::int64_t out) {
    const T* xi = x + image * s.h * s.w * s.c;
    std::fill_n(y + out, s.c, -std::numeric_limits<T>::infinity());
    std::fill_n(winner + out, s.c, std::uint8_t{0});
    bool first = true;
    for_each_tap(s, p, q, [&](std::int64_t tap, std::int64_t in) {
      for (std::int64_t c = 0; c < s.c; ++c) {
        const T value = xi[in + c];
        if (first || value > y[out + c] || std::isnan(value)) {
          y[out + c] = value;
          winner[out + c] = static_cast<std::uint8_t>(tap);
        }
      }
      first = false;
    });
  });
}

template <class Context, class T>
void max_pool_backward(const Context&, const PoolShape& s, const T* dy, const std::uint8_t* winner,
                       T* dx) {
  std::fill_n(dx, s.n * s.h * s.w * s.c, T{0});
  for_each_output(s, [&](std::int64_t image, std::int64_t p, std::int64_t q, std::int64_t out) {
    T* dxi = dx + image * s.h * s.w * s.c;
    for_each_tap(s, p, q, [&](std::int64_t tap, std::int64_t in) {
      for (std::int64_t c = 0; c < s.c; ++c) {
        if (winner[out + c] == tap) dxi[in + c] += dy[out + c];
      }
    });
  });
}

#define BPTPLR_INSTANTIATE(T)                                                           \
  template void global_avg_pool_forward(const CpuContext&, std::int64_t, std::int64_t,  \
                                        std::int64_t, const T*, T*);                    \
  template void global_avg_pool_backward(const CpuContext&, std::int64_t, std::int64_t, \
                                         std::int64_t, const T*, T*);                   \
  template void max_pool_forward(const CpuContext&, const PoolShape&, const T*, T*,     \
                                 std::uint8_t*);                                        \
  template void max_pool_backward(const CpuContext&, const PoolShape&, const T*,        \
                                  const std::uint8_t*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
