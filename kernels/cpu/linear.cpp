// Matrix products as convolutions of one tap, of images of one pixel; in double precision by plain
// loops, as a reference.
#include "kernels/linear.hpp"

#include <algorithm>

#include "kernels/conv2d.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

Conv2dShape as_convolution(const LinearShape& s) {
  return {.n = s.n, .h = 1, .w = 1, .c = s.in, .k = s.out};
}

CpuContext in_float32(const CpuContext& ctx) {
  return {.workspace = ctx.workspace};
}

/// y [n, out] = x w^T
void product(const CpuContext& ctx, const LinearShape& s, const float* x, const float* w,
             float* y) {
  conv2d_forward(in_float32(ctx), as_convolution(s), x, w, y);
}

void product(const CpuContext&, const LinearShape& s, const double* x, const double* w, double* y) {
  for (std::int64_t i = 0; i < s.n; ++i) {
    for (std::int64_t o = 0; o < s.out; ++o) {
      double sum = 0.0;
      for (std::int64_t j = 0; j < s.in; ++j) sum += x[i * s.in + j] * w[o * s.in + j];
      y[i * s.out + o] = sum;
    }
  }
}

/// dx [n, in] = dy w
void data_product(const CpuContext& ctx, const LinearShape& s, const float* dy, const float* w,
                  float* dx) {
  conv2d_backward_data(in_float32(ctx), as_convolution(s), dy, w, dx);
}

void data_product(const CpuContext&, const LinearShape& s, const double* dy, const double* w,
                  double* dx) {
  for (std::int64_t i = 0; i < s.n; ++i) {
    for (std::int64_t j = 0; j < s.in; ++j) {
      double sum = 0.0;
      for (std::int64_t o = 0; o < s.out; ++o) sum += dy[i * s.out + o] * w[o * s.in + j];
      dx[i * s.in + j] = sum;
    }
  }
}

/// dw [out, in] = dy^T x
void weights_product(const CpuContext& ctx, const LinearShape& s, const float* x, const float* dy,
                     float* dw) {
  conv2d_backward_weights(in_float32(ctx), as_convolution(s), x, dy, dw, nullptr);
}

void weights_product(const CpuContext&, const LinearShape& s, const double* x, const double* dy,
                     double* dw) {
  std::fill_n(dw, s.out * s.in, 0.0);
  for (std::int64_t i = 0; i < s.n; ++i) {
    for (std::int64_t o = 0; o < s.out; ++o) {
      for (std::int64_t j = 0; j < s.in; ++j) {
        dw[o * s.in + j] += dy[i * s.out + o] * x[i * s.in + j];
      }
    }
  }
}

}  // namespace

template <class Context, class T>
void linear_forward(const Context& ctx, const LinearShape& s, const T* x, const T* w, const T* b,
                    T* y) {
  product(ctx, s, x, w, y);
  if (b == nullptr) return;
  parallel_for(s.n, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t o = 0; o < s.out; ++o) y[i * s.out + o] += b[o];
    }
  });
}

template <class Context, class T>
void linear_backward_data(const Context& ctx, const LinearShape& s, const T* dy, const T* w,
                          T* dx) {
  data_product(ctx, s, dy, w, dx);
}

template <class Context, class T>
void linear_backward_weights(const Context& ctx, const LinearShape& s, const T* x, const T* dy,
                             T* dw, T* db) {
  weights_product(ctx, s, x, dy, dw);
  if (db == nullptr) return;
  for (std::int64_t o = 0; o < s.out; ++o) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < s.n; ++i) sum += dy[i * s.out + o];
    db[o] = static_cast<T>(sum);
  }
}

#define BPTPLR_INSTANTIATE(T)                                                                      \
  template void linear_forward(const CpuContext&, const LinearShape&, const T*, const T*,          \
                               const T*, T*);                                                      \
  template void linear_backward_data(const CpuContext&, const LinearShape&, const T*, const T*,    \
                                     T*);                                                          \
  template void linear_backward_weights(const CpuContext&, const LinearShape&, const T*, const T*, \
                                        T*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
