// MixUp (Zhang et al., ICLR 2018) of the rows of a batch: images or soft labels.
#pragma once

#include "engine/tensor.hpp"

namespace bptplr {

/// out = l a + (1 - l) a[permutation], row by row. a and out [n, ...], not overlapping; permutation
/// int64 [n] on the same device; l is in memory of that device.
void mix_rows(const Tensor& a, const Tensor& permutation, const double* l, Tensor out);

}  // namespace bptplr
