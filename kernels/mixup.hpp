// MixUp (Zhang et al., ICLR 2018): convex combinations of rows with permuted rows.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

/// out_i = l a_i + (1 - l) a_perm[i] for rows of any length (images, targets).
/// a and out [rows, length], not overlapping; perm [rows] in [0, rows).
void mixup(const CpuContext& ctx, std::int64_t rows, std::int64_t length, float l, const float* a,
           const std::int64_t* perm, float* out);

/// The same on a GPU, equal to the bit. T: float or bfloat16, mixed in float32 and rounded once. l
/// is one number in device memory, so that a graph (device_graph.hpp) can mix anew with another
/// one.
template <class T>
void mixup(const CudaContext& ctx, std::int64_t rows, std::int64_t length, const double* l,
           const T* a, const std::int64_t* perm, T* out);

}  // namespace bptplr::kernels
