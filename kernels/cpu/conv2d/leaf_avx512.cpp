#include "kernels/cpu/conv2d/leaf_table.hpp"

namespace bptplr::kernels::conv {

const LeafKernels& avx512_kernels() {
  static constexpr LeafKernels kTable = make_table<Avx512>("AVX-512");
  return kTable;
}

}  // namespace bptplr::kernels::conv
