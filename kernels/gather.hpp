// Gathers rows by index, such as a batch's rows of arrays that are kept for the whole training set.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Copies out_i = source_index[i]. out [rows, length], not overlapping the source [.., length];
/// index [rows], row numbers of the source, which may repeat. T: float, double, bfloat16,
/// std::int64_t or std::uint64_t.
template <class Context, class T>
void gather_rows(const Context& ctx, std::int64_t rows, std::int64_t length, const T* source,
                 const std::int64_t* index, T* out);

}  // namespace bptplr::kernels
