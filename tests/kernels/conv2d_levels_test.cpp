// The kernels for AVX-512, computed in halves where the processor has no such registers, give the
// bits of those for AVX2.
#include <algorithm>
#include <vector>

#include "kernels/conv2d.hpp"
#include "kernels/cpu/conv2d/leaf_table.hpp"
#include "kernels/cpu/conv2d/level.hpp"
#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

/// A name of its own keeps the linker from taking the functions that are compiled for AVX-512.
struct EmulatedAvx512 : kernels::conv::Avx512 {};

std::vector<float> convolutions(const kernels::Conv2dShape& s,
                                const kernels::conv::LeafKernels& level) {
  kernels::conv::set_leaf_kernels(&level);
  const Tensor x = random_normal({s.n, s.h, s.w, s.c}, 1);
  const Tensor w = random_normal({s.k, s.kernel, s.kernel, s.c}, 2);
  const Tensor dy = random_normal({s.n, s.out_h(), s.out_w(), s.k}, 3);
  std::vector<float> all(static_cast<std::size_t>(dy.numel() + x.numel() + w.numel()));
  float* y = all.data();
  kernels::conv2d_forward(cpu_context(), s, x.data<float>(), w.data<float>(), y);
  kernels::conv2d_backward_data(cpu_context(), s, dy.data<float>(), w.data<float>(),
                                y + dy.numel());
  kernels::conv2d_backward_weights(cpu_context(), s, x.data<float>(), dy.data<float>(),
                                   y + dy.numel() + x.numel(), nullptr);
  kernels::conv::set_leaf_kernels(nullptr);
  return all;
}

TEST(Conv2dLevels, SameBits) {
  static constexpr auto kWide = kernels::conv::make_table<EmulatedAvx512>("emulated AVX-512");
  const std::vector<kernels::Conv2dShape> shapes{{5, 8, 8, 16, 16, 3, 1, 1},
                                                 {3, 9, 7, 48, 16, 3, 1, 1},
                                                 {2, 8, 8, 176, 176, 3, 1, 1},
                                                 {7, 2, 2, 32, 80, 3, 1, 1},
                                                 {3, 9, 8, 80, 96, 3, 2, 1},
                                                 {5, 6, 6, 16, 48, 1, 2, 0},
                                                 {2, 21, 23, 16, 32, 7, 2, 3},
                                                 // Channels that no level's vectors divide.
                                                 {3, 7, 9, 20, 44, 3, 1, 1},
                                                 {4, 9, 8, 5, 37, 3, 2, 1}};
  for (const kernels::Conv2dShape& s : shapes) {
    SCOPED_TRACE(testing::Message() << s.n << " x " << s.h << " x " << s.w << " x " << s.c << " to "
                                    << s.k << ", kernel " << s.kernel << ", stride " << s.stride);
    EXPECT_EQ(convolutions(s, kWide), convolutions(s, kernels::conv::avx2_kernels()));
  }
}

}  // namespace
}  // namespace bptplr
