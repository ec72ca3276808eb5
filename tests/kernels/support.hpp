// Helpers of the tests of kernels: random inputs, finite differences, comparisons.
#pragma once

#include <gtest/gtest.h>
#include <omp.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/memory.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"
#include "tests/golden.hpp"

namespace bptplr {

/// Returns normal values times `scale`, different ones for each `stream`.
inline Tensor random_normal(Shape shape, std::uint32_t stream, double scale = 1.0,
                            DType dtype = DType::kFloat32) {
  Philox random(1, Purpose::kTest, 0, stream);
  Tensor values = Tensor::empty(std::move(shape), DType::kFloat64);
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    values.data<double>()[i] = scale * random.normal();
  }
  return values.to(dtype);
}

/// Returns random rows of length 1.
inline Tensor random_unit_rows(std::int64_t rows, std::int64_t dim, std::uint32_t stream,
                               DType dtype = DType::kFloat32) {
  Tensor values = random_normal({rows, dim}, stream, 1.0, DType::kFloat64);
  for (std::int64_t i = 0; i < rows; ++i) {
    double* row = values.data<double>() + i * dim;
    double square = 0;
    for (std::int64_t d = 0; d < dim; ++d) square += row[d] * row[d];
    for (std::int64_t d = 0; d < dim; ++d) row[d] /= std::sqrt(square);
  }
  return values.to(dtype);
}

/// Returns random rows that sum to 1.
inline Tensor random_targets(std::int64_t rows, std::int64_t classes, std::uint32_t stream,
                             DType dtype = DType::kFloat32) {
  Philox random(1, Purpose::kTest, 1, stream);
  Tensor values = Tensor::empty({rows, classes}, DType::kFloat64);
  for (std::int64_t i = 0; i < rows; ++i) {
    double* row = values.data<double>() + i * classes;
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) sum += row[c] = random.uniform_double();
    for (std::int64_t c = 0; c < classes; ++c) row[c] /= sum;
  }
  return values.to(dtype);
}

inline std::vector<std::int64_t> random_labels(std::int64_t n, std::int64_t classes,
                                               std::uint32_t stream) {
  Philox random(1, Purpose::kTest, 2, stream);
  std::vector<std::int64_t> labels(static_cast<std::size_t>(n));
  for (std::int64_t& label : labels) label = random.below(static_cast<std::uint32_t>(classes));
  return labels;
}

/// Returns central differences of value() with respect to every element of the double tensor x,
/// which value() reads.
template <class Fn>
Tensor numerical_gradient(Tensor x, Fn&& value, double step = 1e-5) {
  Tensor gradient = Tensor::empty(x.shape(), DType::kFloat64);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    double& element = x.data<double>()[i];
    const double before = element;
    element = before + step;
    const double above = value();
    element = before - step;
    const double below = value();
    element = before;
    gradient.data<double>()[i] = (above - below) / (2.0 * step);
  }
  return gradient;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw(), b.raw(),
                     static_cast<std::size_t>(a.numel()) * element_size(a.dtype())) == 0;
}

/// Expects compute() to return tensors with the same bits for one, two and five threads.
template <class Fn>
void expect_same_for_any_threads(Fn&& compute) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::vector<Tensor> one = compute();
  for (const int threads : {2, 5}) {
    omp_set_num_threads(threads);
    const std::vector<Tensor> many = compute();
    ASSERT_EQ(one.size(), many.size());
    for (std::size_t k = 0; k < one.size(); ++k) {
      EXPECT_TRUE(same_bits(one[k], many[k]))
          << "result " << k << " with " << threads << " threads";
    }
  }
  omp_set_num_threads(before);
}

}  // namespace bptplr
