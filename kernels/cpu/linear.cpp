// Matrix products by oneDNN. Each thread computes whole blocks of output rows, so that no sum is
// ever split between threads.
#include "kernels/linear.hpp"

#include <omp.h>

#include <algorithm>
#include <dnnl.hpp>

#include "kernels/cpu/onednn_errors.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

constexpr std::int64_t kRowBlock = 64;

/// C [m, n] = op(A) op(B), row-major; op transposes where the flag is 'T'.
void gemm(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
          std::int64_t lda, const float* b, std::int64_t ldb, float* c, std::int64_t ldc) {
  const dnnl::status status = dnnl::sgemm(ta, tb, m, n, k, 1.0F, a, lda, b, ldb, 0.0F, c, ldc);
  onednn::require_success(status, "a matrix product");
}

void gemm(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, const double* a,
          std::int64_t lda, const double* b, std::int64_t ldb, double* c, std::int64_t ldc) {
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (std::int64_t p = 0; p < k; ++p) {
        sum += (ta == 'N' ? a[i * lda + p] : a[p * lda + i]) *
               (tb == 'N' ? b[p * ldb + j] : b[j * ldb + p]);
      }
      c[i * ldc + j] = sum;
    }
  }
}

/// Calls fn(first, count) on blocks of rows, always inside a parallel region: there oneDNN keeps to
/// the calling thread.
template <class Fn>
void for_each_row_block(std::int64_t rows, Fn&& fn) {
  FirstError error;
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t block = 0; block < chunk_count(rows, kRowBlock); ++block) {
    error.guard(block,
                [&] { fn(block * kRowBlock, std::min(kRowBlock, rows - block * kRowBlock)); });
  }
  error.rethrow();
}

}  // namespace

template <class Context, class T>
void linear_forward(const Context&, const LinearShape& s, const T* x, const T* w, const T* b,
                    T* y) {
  for_each_row_block(s.n, [&](std::int64_t first, std::int64_t rows) {
    gemm('N', 'T', rows, s.out, s.in, x + first * s.in, s.in, w, s.in, y + first * s.out, s.out);
    if (b == nullptr) return;
    for (std::int64_t i = first; i < first + rows; ++i) {
      for (std::int64_t o = 0; o < s.out; ++o) y[i * s.out + o] += b[o];
    }
  });
}

template <class Context, class T>
void linear_backward_data(const Context&, const LinearShape& s, const T* dy, const T* w, T* dx) {
  for_each_row_block(s.n, [&](std::int64_t first, std::int64_t rows) {
    gemm('N', 'N', rows, s.in, s.out, dy + first * s.out, s.out, w, s.in, dx + first * s.in, s.in);
  });
}

template <class Context, class T>
void linear_backward_weights(const Context&, const LinearShape& s, const T* x, const T* dy, T* dw,
                             T* db) {
  if (s.n == 0) {
    std::fill_n(dw, s.out * s.in, T{0});
  } else {
    for_each_row_block(s.out, [&](std::int64_t first, std::int64_t rows) {
      gemm('T', 'N', rows, s.in, s.n, dy + first, s.out, x, s.in, dw + first * s.in, s.in);
    });
  }
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
