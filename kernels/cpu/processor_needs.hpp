// What the compiler was allowed to use.
#pragma once

namespace bptplr::kernels {

struct ProcessorNeeds {
  bool v3;      ///< AVX2, FMA and BMI2, as in x86-64-v3
  bool avx512;  ///< AVX-512 in code that does not ask first, as -march=native may make it
};
extern const ProcessorNeeds kProcessorNeeds;

}  // namespace bptplr::kernels
