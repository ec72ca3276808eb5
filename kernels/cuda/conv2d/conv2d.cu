// Convolutions: in bfloat16 our own kernels on the tensor cores or cuDNN, whichever is faster; in
// float32, and for shapes that ours cannot do or that are tiny, cuDNN. Weight gradients always
// arrive as float32, the type of the master weights.
#include <functional>
#include <type_traits>
#include <utility>

#include "kernels/conv2d.hpp"
#include "kernels/cuda/conv2d/tensor_core.hpp"
#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/libraries/libraries.hpp"
#include "kernels/cuda/runtime/fastest.hpp"
#include "kernels/elementwise.hpp"

namespace bptplr::kernels {
namespace {

bool is_empty(const Conv2dShape& s) {
  return s.n == 0 || s.k == 0 || s.c == 0 || s.out_h() == 0 || s.out_w() == 0;
}

/// Runs the fastest of ours(0), ..., ours(tilings - 1) and library().
void run_fastest(const CudaContext& ctx, ConvolutionPass pass, const Conv2dShape& shape,
                 int tilings, const std::function<void(int tiling)>& ours,
                 const std::function<void()>& library) {
  static Fastest<std::pair<ConvolutionPass, Conv2dShape>> fastest;
  fastest.run(ctx, {pass, shape}, tilings + 1,
              [&](int way) { way < tilings ? ours(way) : library(); });
}

/// Whether there is a choice: our kernels can do it too, with arrays where these are.
template <class Out>
bool has_choice(const Conv2dShape& shape, const bfloat16* a, const bfloat16* b, const Out* out) {
  return tensor_cores_are_worth_trying(shape) && can_vectorize(a, kVecWidth<bfloat16>) &&
         can_vectorize(b, kVecWidth<bfloat16>) && can_vectorize(out, kVecWidth<Out>);
}

}  // namespace

template <class Context, class T>
void conv2d_forward(const Context& ctx, const Conv2dShape& shape, const T* x, const T* w, T* y) {
  constexpr auto kPass = ConvolutionPass::kForward;
  if (is_empty(shape)) return;
  const auto library = [&] { convolution(ctx, kPass, shape, x, w, y); };
  if constexpr (std::is_same_v<T, bfloat16>) {
    if (has_choice(shape, x, w, y)) {
      const auto ours = [&](int tiling) { tensor_core_forward(ctx, shape, tiling, x, w, y); };
      return run_fastest(ctx, kPass, shape, gather_tilings(ctx), ours, library);
    }
  }
  library();
}

template <class Context, class T>
void conv2d_backward_data(const Context& ctx, const Conv2dShape& shape, const T* dy, const T* w,
                          T* dx) {
  constexpr auto kPass = ConvolutionPass::kBackwardData;
  if (is_empty(shape)) return;
  const auto library = [&] { convolution(ctx, kPass, shape, dy, w, dx); };
  if constexpr (std::is_same_v<T, bfloat16>) {
    if (has_choice(shape, dy, w, dx)) {
      const auto ours = [&](int tiling) {
        tensor_core_backward_data(ctx, shape, tiling, dy, w, dx);
      };
      return run_fastest(ctx, kPass, shape, gather_tilings(ctx), ours, library);
    }
  }
  library();
}

template <class Context, class T>
void conv2d_backward_weights(const Context& ctx, const Conv2dShape& shape, const T* x, const T* dy,
                             StatOf<T>* dw, std::type_identity_t<T>* dw_scratch) {
  constexpr auto kPass = ConvolutionPass::kBackwardWeights;
  if (is_empty(shape)) return fill(ctx, 0.0F, dw, shape.weights());
  if constexpr (std::is_same_v<T, float>) {
    convolution(ctx, kPass, shape, x, dy, dw);
  } else {
    const auto library = [&] {
      convolution(ctx, kPass, shape, x, dy, dw_scratch);
      convert(ctx, dw_scratch, dw, shape.weights());
    };
    if (!has_choice(shape, x, dy, dw)) return library();
    const auto ours = [&](int tiling) {
      tensor_core_backward_weights(ctx, shape, tiling, x, dy, dw);
    };
    run_fastest(ctx, kPass, shape, weights_tilings(ctx), ours, library);
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
