#include "kernels/cpu/conv2d/level.hpp"

#include <cstdlib>
#include <string_view>

#include "kernels/cpu_level.hpp"

namespace bptplr::kernels {
namespace {

bool is_set(const char* variable, std::string_view value) {
  const char* found = std::getenv(variable);
  return found != nullptr && found == value;
}

bool has_avx512() {
#if defined(__x86_64__)
  static const bool has_it =
      !is_set("BPTPLR_MAX_CPU_ISA", "AVX2") && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return has_it;
#else
  return false;
#endif
}

const conv::LeafKernels* chosen = nullptr;

}  // namespace

const char* cpu_level() {
  return has_avx512() ? conv::avx512_kernels().name : conv::avx2_kernels().name;
}

bool cpu_multiplies_bf16() {
  return conv::has_bf16_instructions() || is_set("BPTPLR_EMULATE_BF16", "1");
}

namespace conv {

void set_leaf_kernels(const LeafKernels* kernels) {
  chosen = kernels;
}

const LeafKernels& leaf_kernels(std::int64_t c, std::int64_t k) {
  if (chosen != nullptr) return *chosen;
  return has_avx512() && c % 16 == 0 && k % 16 == 0 ? avx512_kernels() : avx2_kernels();
}

bool has_bf16_instructions() {
#if defined(__x86_64__)
  // Asked of the environment each time, so that one process can test both ways.
  return has_avx512() && !is_set("BPTPLR_MAX_CPU_ISA", "AVX2") &&
         !is_set("BPTPLR_EMULATE_BF16", "1") && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace conv
}  // namespace bptplr::kernels
