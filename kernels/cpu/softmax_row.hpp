// The softmax of one row of logits in double precision, which every loss of the method starts from.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace bptplr::kernels {

/// Rows that one chunk of a loop over rows of `classes` exponentials handles.
inline std::int64_t softmax_grain(std::int64_t classes) {
  return std::max<std::int64_t>(1, 2048 / std::max<std::int64_t>(1, classes));
}

/// log sum_c exp z_c; the maximum is taken out, so nothing overflows.
template <class T>
double log_sum_exp(const T* z, std::int64_t classes) {
  const double maximum = static_cast<double>(*std::max_element(z, z + classes));
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(z[c]) - maximum);
  return maximum + std::log(sum);
}

/// p_c += weight * softmax(z)_c.
template <class T>
void add_softmax(const T* z, std::int64_t classes, double weight, double* p) {
  const double normaliser = log_sum_exp(z, classes);
  for (std::int64_t c = 0; c < classes; ++c) {
    p[c] += weight * std::exp(static_cast<double>(z[c]) - normaliser);
  }
}

}  // namespace bptplr::kernels
