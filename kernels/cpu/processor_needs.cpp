// Compiled with the options of all sources, which it tells; data only, as no code of it may run
// yet.
#include "kernels/cpu/processor_needs.hpp"

namespace bptplr::kernels {

#if defined(__AVX2__)
constexpr bool kUsesV3 = true;
#else
constexpr bool kUsesV3 = false;
#endif
#if defined(__AVX512F__)
constexpr bool kUsesAvx512 = true;
#else
constexpr bool kUsesAvx512 = false;
#endif

constinit const ProcessorNeeds kProcessorNeeds{.v3 = kUsesV3, .avx512 = kUsesAvx512};

}  // namespace bptplr::kernels
