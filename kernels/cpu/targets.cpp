// One pass over the rows: each row's probabilities live in scratch and nothing else is stored.
#include "kernels/targets.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/softmax_row.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// Powers are taken of p_c / max p, which the quotient does not feel and which cannot all
/// underflow.
template <class T>
void sharpen_row(double* p, std::int64_t classes, double temperature, T* targets) {
  const double largest = *std::max_element(p, p + classes);
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    p[c] = std::pow(p[c] / largest, 1.0 / temperature);
    sum += p[c];
  }
  for (std::int64_t c = 0; c < classes; ++c) targets[c] = static_cast<T>(p[c] / sum);
}

/// Calls probabilities(i, p) to fill p [classes] (zeros before) for every row i, keeps them in
/// `unsharpened` unless it is null, and writes them sharpened to `targets`.
template <class T, class Fn>
void sharpened_rows(const CpuContext& ctx, std::int64_t rows, std::int64_t classes,
                    double temperature, T* targets, T* unsharpened, Fn&& probabilities) {
  auto* scratch = ctx.scratch<double>(rows * classes);
  parallel_for(rows, softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      double* p = scratch + i * classes;
      std::fill(p, p + classes, 0.0);
      probabilities(i, p);
      if (unsharpened != nullptr) {
        std::transform(p, p + classes, unsharpened + i * classes,
                       [](double value) { return static_cast<T>(value); });
      }
      sharpen_row(p, classes, temperature, targets + i * classes);
    }
  });
}

}  // namespace

template <class Context, class T>
void sharpen(const Context& ctx, std::int64_t rows, std::int64_t classes, double temperature,
             const T* p, T* targets) {
  sharpened_rows(
      ctx, rows, classes, temperature, targets, static_cast<T*>(nullptr),
      [&](std::int64_t i, double* row) { std::copy(p + i * classes, p + (i + 1) * classes, row); });
}

template <class Context, class T>
void co_guess(const Context& ctx, std::int64_t rows, std::int64_t classes, double temperature,
              const T* logits_k1, const T* logits_k2, const T* logits_j1, const T* logits_j2,
              T* targets, std::type_identity_t<T>* p) {
  sharpened_rows(ctx, rows, classes, temperature, targets, p, [&](std::int64_t i, double* row) {
    for (const T* logits : {logits_k1, logits_k2, logits_j1, logits_j2}) {
      add_softmax(logits + i * classes, classes, 0.25, row);
    }
  });
}

template <class Context, class T>
void co_refine(const Context& ctx, std::int64_t rows, std::int64_t classes, double temperature,
               const T* logits_k1, const T* logits_k2, const std::int64_t* labels, const float* w,
               T* targets, std::type_identity_t<T>* p) {
  sharpened_rows(ctx, rows, classes, temperature, targets, p, [&](std::int64_t i, double* row) {
    const auto clean = static_cast<double>(w[i]);
    for (const T* logits : {logits_k1, logits_k2}) {
      add_softmax(logits + i * classes, classes, (1.0 - clean) / 2.0, row);
    }
    row[labels[i]] += clean;
  });
}

#define BPTPLR_INSTANTIATE(T)                                                                 \
  template void sharpen(const CpuContext&, std::int64_t, std::int64_t, double, const T*, T*); \
  template void co_guess(const CpuContext&, std::int64_t, std::int64_t, double, const T*,     \
                         const T*, const T*, const T*, T*, T*);                               \
  template void co_refine(const CpuContext&, std::int64_t, std::int64_t, double, const T*,    \
                          const T*, const std::int64_t*, const float*, T*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
