// MixUp (Zhang et al., ICLR 2018): convex combinations of rows with permuted rows.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Computes out_i = l a_i + (1 - l) b_perm[i] for rows of any length (images, targets). a and out
/// [rows, length], not overlapping; b may be a; perm [rows] are rows of b. l [1] is in device
/// memory, so that a graph (device_graph.hpp) reads it in every replay. T: float, the same bits on
/// every device; double on a CPU; bfloat16 on a GPU, mixed in float and rounded once.
template <class Context, class T>
void mixup(const Context& ctx, std::int64_t rows, std::int64_t length, const double* l, const T* a,
           const T* b, const std::int64_t* perm, T* out);

}  // namespace bptplr::kernels
