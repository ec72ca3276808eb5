// Class prototypes: unit vectors that follow the mean projection of each class's samples.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct PrototypeShape {
  std::int64_t rows = 0;
  std::int64_t dim = 0;
  std::int64_t classes = 0;
};

/// Computes prototypes [classes, dim]: P_c = normalize(mean of the q with label c), zeros for a
/// class without samples. q [rows, dim]; labels [rows] in [0, classes), -1 = skipped; a GPU also
/// skips labels from `classes` on. counts [classes]: samples of each class; the caller reports
/// zeros.
template <class Context>
void class_means(const Context& ctx, const PrototypeShape& shape, const float* q,
                 const std::int64_t* labels, float* prototypes, std::int64_t* counts);

/// Updates P_c <- normalize(momentum P_c + (1 - momentum) normalize(mean of the q with label c)) in
/// place; a class without samples keeps its prototype. Arguments as for class_means.
template <class Context>
void update_prototypes(const Context& ctx, const PrototypeShape& shape, double momentum,
                       const float* q, const std::int64_t* labels, float* prototypes,
                       std::int64_t* counts);

}  // namespace bptplr::kernels
