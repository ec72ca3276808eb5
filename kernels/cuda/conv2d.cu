// Convolutions: cuDNN does the work in the type of the activations; what is ours is that weight
// gradients always arrive as float32, the type of the master weights.
#include <type_traits>

#include "kernels/conv2d.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/libraries/libraries.hpp"
#include "kernels/elementwise.hpp"

namespace bptplr::kernels {
namespace {

bool is_empty(const Conv2dShape& s) {
  return s.n == 0 || s.k == 0 || s.c == 0 || s.out_h() == 0 || s.out_w() == 0;
}

}  // namespace

template <class T>
void conv2d_forward(const CudaContext& ctx, const Conv2dShape& shape, const T* x, const T* w,
                    T* y) {
  if (!is_empty(shape)) convolution(ctx, ConvolutionPass::kForward, shape, x, w, y);
}

template <class T>
void conv2d_backward_data(const CudaContext& ctx, const Conv2dShape& shape, const T* dy, const T* w,
                          T* dx) {
  if (!is_empty(shape)) convolution(ctx, ConvolutionPass::kBackwardData, shape, dy, w, dx);
}

template <class T>
void conv2d_backward_weights(const CudaContext& ctx, const Conv2dShape& shape, const T* x,
                             const T* dy, float* dw, T* dw_scratch) {
  if (is_empty(shape)) {
    fill(ctx, 0.0F, dw, shape.weights());
  } else if constexpr (std::is_same_v<T, float>) {
    convolution(ctx, ConvolutionPass::kBackwardWeights, shape, x, dy, dw);
  } else {
    convolution(ctx, ConvolutionPass::kBackwardWeights, shape, x, dy, dw_scratch);
    convert(ctx, dw_scratch, dw, shape.weights());
  }
}

#define BPTPLR_INSTANTIATE(T)                                                                    \
  template void conv2d_forward(const CudaContext&, const Conv2dShape&, const T*, const T*, T*);  \
  template void conv2d_backward_data(const CudaContext&, const Conv2dShape&, const T*, const T*, \
                                     T*);                                                        \
  template void conv2d_backward_weights(const CudaContext&, const Conv2dShape&, const T*,        \
                                        const T*, float*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(bfloat16)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
