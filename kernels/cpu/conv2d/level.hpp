// Which level of the instruction set convolutions use.
#pragma once

#include <cstdint>

#include "kernels/cpu/conv2d/leaf_kernels.hpp"

namespace bptplr::kernels::conv {

/// Returns the kernels for these numbers of input and output channels: AVX-512 where the processor
/// has it, BPTPLR_MAX_CPU_ISA does not say AVX2, and channels fill its registers. The results are
/// the same bits.
const LeafKernels& leaf_kernels(std::int64_t c, std::int64_t k);

/// Returns whether oneDNN has bfloat16 convolutions for this processor.
bool has_bf16_instructions();

/// Makes leaf_kernels return these for all shapes, or decide again (null): for tests.
void set_leaf_kernels(const LeafKernels* kernels);

}  // namespace bptplr::kernels::conv
