// Convolution in double precision by plain loops: slow, and simple enough to be trusted.
#include <algorithm>

#include "kernels/conv2d.hpp"
#include "kernels/cpu/window.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// Calls fn(y_index, p, q) for every output pixel of one image; y_index is that of channel 0.
template <class Fn>
void for_each_output(const Conv2dShape& s, Fn&& fn) {
  for (std::int64_t p = 0; p < s.out_h(); ++p) {
    for (std::int64_t q = 0; q < s.out_w(); ++q) fn((p * s.out_w() + q) * s.k, p, q);
  }
}

}  // namespace

template <>
void conv2d_forward(const CpuContext&, const Conv2dShape& s, const double* x, const double* w,
                    double* y) {
  const std::int64_t filter = s.kernel * s.kernel * s.c;
  parallel_for(s.n, 1, [&](std::int64_t image, std::int64_t) {
    const double* xi = x + image * s.h * s.w * s.c;
    double* yi = y + image * s.out_h() * s.out_w() * s.k;
    for_each_output(s, [&](std::int64_t out, std::int64_t p, std::int64_t q) {
      for (std::int64_t k = 0; k < s.k; ++k) {
        double sum = 0.0;
        for_each_tap(s, p, q, [&](std::int64_t tap, std::int64_t in) {
          for (std::int64_t c = 0; c < s.c; ++c) sum += xi[in + c] * w[k * filter + tap * s.c + c];
        });
        yi[out + k] = sum;
      }
    });
  });
}

template <>
void conv2d_backward_data(const CpuContext&, const Conv2dShape& s, const double* dy,
                          const double* w, double* dx) {
  const std::int64_t filter = s.kernel * s.kernel * s.c;
  std::fill_n(dx, s.n * s.h * s.w * s.c, 0.0);
  parallel_for(s.n, 1, [&](std::int64_t image, std::int64_t) {
    double* dxi = dx + image * s.h * s.w * s.c;
    const double* dyi = dy + image * s.out_h() * s.out_w() * s.k;
    for_each_output(s, [&](std::int64_t out, std::int64_t p, std::int64_t q) {
      for (std::int64_t k = 0; k < s.k; ++k) {
        for_each_tap(s, p, q, [&](std::int64_t tap, std::int64_t in) {
          for (std::int64_t c = 0; c < s.c; ++c) {
            dxi[in + c] += dyi[out + k] * w[k * filter + tap * s.c + c];
          }
        });
      }
    });
  });
}

template <>
void conv2d_backward_weights(const CpuContext&, const Conv2dShape& s, const double* x,
                             const double* dy, double* dw, double* /*dw_scratch*/) {
  const std::int64_t filter = s.kernel * s.kernel * s.c;
  std::fill_n(dw, s.weights(), 0.0);
  parallel_for(s.k, 1, [&](std::int64_t k, std::int64_t) {
    for (std::int64_t image = 0; image < s.n; ++image) {
      const double* xi = x + image * s.h * s.w * s.c;
      const double* dyi = dy + image * s.out_h() * s.out_w() * s.k;
      for_each_output(s, [&](std::int64_t out, std::int64_t p, std::int64_t q) {
        for_each_tap(s, p, q, [&](std::int64_t tap, std::int64_t in) {
          for (std::int64_t c = 0; c < s.c; ++c) {
            dw[k * filter + tap * s.c + c] += dyi[out + k] * xi[in + c];
          }
        });
      });
    }
  });
}

}  // namespace bptplr::kernels
