#include "kernels/cpu/conv2d/leaf_table.hpp"

namespace bptplr::kernels::conv {

const LeafKernels& avx2_kernels() {
  static constexpr LeafKernels kTable = make_table<Avx2>("AVX2");
  return kTable;
}

}  // namespace bptplr::kernels::conv
