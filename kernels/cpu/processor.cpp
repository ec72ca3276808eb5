// Compiled for any x86-64 (CMakeLists.txt), so it includes nothing whose functions others share.
#include "kernels/processor.hpp"

#include "kernels/cpu/processor_needs.hpp"

namespace bptplr::kernels {

const char* missing_instructions() {
#if defined(__x86_64__)
  __builtin_cpu_init();  // what does it otherwise may come later than who asks here
  // Processors with these have the rest of x86-64-v3 too.
  const bool has_v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi2");
  if (kProcessorNeeds.v3 && !has_v3) {
    return "bptplr needs a processor with AVX2, FMA and BMI2 (x86-64-v3), which this one lacks";
  }
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (kProcessorNeeds.avx512 && !has_avx512) {
    return "this bptplr was built on a processor with AVX-512, which this one lacks; build it "
           "here, "
           "or there with -DBPTPLR_NATIVE=OFF";
  }
#endif
  return nullptr;
}

}  // namespace bptplr::kernels
