// What convolutions make of the processor.
#pragma once

namespace bptplr::kernels {

/// Returns the level of the instruction set that convolutions use, "AVX2" or "AVX-512": the highest
/// that the processor has, up to that in BPTPLR_MAX_CPU_ISA (AVX2). Results are the same bits.
const char* cpu_level();

/// Returns whether convolutions can multiply in bfloat16: on processors with AVX512-BF16 or AMX, or
/// anywhere, slowly, where BPTPLR_EMULATE_BF16=1 is set.
bool cpu_multiplies_bf16();

}  // namespace bptplr::kernels
