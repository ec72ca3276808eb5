#include "kernels/cpu/conv2d/level.hpp"

#include <cstdlib>
#include <string_view>

namespace bptplr::kernels::conv {
namespace {

bool uses_avx512() {
#if defined(__x86_64__)
  const char* most = std::getenv("BPTPLR_MAX_CPU_ISA");
  if (most != nullptr && std::string_view(most) == "AVX2") return false;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd");
#else
  return false;
#endif
}

const LeafKernels* chosen = nullptr;

}  // namespace

void set_leaf_kernels(const LeafKernels* kernels) {
  chosen = kernels;
}

const LeafKernels& leaf_kernels(std::int64_t c, std::int64_t k) {
  if (chosen != nullptr) return *chosen;
  static const bool is_wide = uses_avx512();
  return is_wide && c % 16 == 0 && k % 16 == 0 ? avx512_kernels() : avx2_kernels();
}

}  // namespace bptplr::kernels::conv
