// Elementwise functions. One kernel applies a functor: a thread moves two vectors of 16 bytes of
// each array at a time, both computed before either is stored, so that the loads of both are under
// way together; what is left after the last whole vector goes one value a thread. The floor is
// each array read or written once.
#include <algorithm>

#include "kernels/cuda/device/activations.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/elementwise.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kVectors = 2;  // a thread and round
constexpr int kBlocksPerSm = 8;

struct ReluForward {
  __device__ float operator()(float x) const { return x > 0.0f ? x : 0.0f; }
};
struct ReluBackward {
  __device__ float operator()(float y, float dy) const { return y > 0.0f ? dy : 0.0f; }
};
struct LeakyReluForward {
  float slope;
  __device__ float operator()(float x) const { return x > 0.0f ? x : slope * x; }
};
struct LeakyReluBackward {
  float slope;
  __device__ float operator()(float y, float dy) const { return y > 0.0f ? dy : slope * dy; }
};
struct Add {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Scale {
  float factor;
  __device__ float operator()(float x) const { return factor * x; }
};
struct ScaleBy {
  const float* factor;
  __device__ float operator()(float x) const { return *factor * x; }
};
struct Identity {
  __device__ float operator()(float x) const { return x; }
};
template <class T>
struct Constant {
  T value;
  __device__ T operator()() const { return value; }
};

/// fn of kWidth neighbours of each input.
template <int kWidth, class Fn, class... In>
__device__ __forceinline__ auto evaluate(const Fn& fn, const In*... in) {
  const auto apply = [&fn](const auto&... inputs) {
    Values<decltype(fn(inputs.v[0]...)), kWidth> results;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) results.v[k] = fn(inputs.v[k]...);
    return results;
  };
  return apply(load_values<kWidth>(in)...);
}

/// out = fn(in...); out may be one of the inputs.
template <int kWidth, class Fn, class Out, class... In>
__global__ void __launch_bounds__(kThreads)
    map_kernel(Fn fn, Out* out, std::int64_t n, const In*... in) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * kThreads;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const std::int64_t stride = threads * kWidth;
  std::int64_t i = thread * kWidth;
  for (; i + stride + kWidth <= n; i += kVectors * stride) {
    const auto first = evaluate<kWidth>(fn, in + i...);
    const auto second = evaluate<kWidth>(fn, in + i + stride...);
    store_values(out + i, first);
    store_values(out + i + stride, second);
  }
  if (i + kWidth <= n) store_values(out + i, evaluate<kWidth>(fn, in + i...));
  const std::int64_t rest = n - n % kWidth + thread;
  if (kWidth > 1 && rest < n) store_values(out + rest, evaluate<1>(fn, in + rest...));
}

template <class T>
bool aligned(const T* base) {
  return can_vectorize(base, kVecWidth<T>);
}

template <class Fn, class Out, class... In>
void map(const CudaContext& ctx, const Fn& fn, Out* out, std::int64_t n, const In*... in) {
  constexpr int kWidth = std::max({kVecWidth<Out>, kVecWidth<In>...});
  const bool wide = (aligned(out) && ... && aligned(in));
  const std::int64_t per_block = kThreads * kVectors * (wide ? kWidth : 1);
  const std::int64_t blocks =
      std::min<std::int64_t>(div_up(n, per_block), kBlocksPerSm * multiprocessors());
  launch(ctx, {dim3(static_cast<unsigned>(blocks)), dim3(kThreads)},
         wide ? map_kernel<kWidth, Fn, Out, In...> : map_kernel<1, Fn, Out, In...>, fn, out, n,
         in...);
}

}  // namespace

template <class Context, class T>
void relu_forward(const Context& ctx, const T* x, T* y, std::int64_t n) {
  map(ctx, ReluForward{}, y, n, x);
}

template <class Context, class T>
void relu_backward(const Context& ctx, const T* y, const T* dy, T* dx, std::int64_t n) {
  map(ctx, ReluBackward{}, dx, n, y, dy);
}

template <class Context, class T>
void leaky_relu_forward(const Context& ctx, double slope, const T* x, T* y, std::int64_t n) {
  map(ctx, LeakyReluForward{static_cast<float>(slope)}, y, n, x);
}

template <class Context, class T>
void leaky_relu_backward(const Context& ctx, double slope, const T* y, const T* dy, T* dx,
                         std::int64_t n) {
  map(ctx, LeakyReluBackward{static_cast<float>(slope)}, dx, n, y, dy);
}

template <class Context, class T>
void add(const Context& ctx, const T* a, const T* b, T* out, std::int64_t n) {
  map(ctx, Add{}, out, n, a, b);
}

template <class Context, class T>
void scale(const Context& ctx, double factor, const T* x, T* out, std::int64_t n) {
  map(ctx, Scale{static_cast<float>(factor)}, out, n, x);
}

template <>
void scale_by(const CudaContext& ctx, const float* factor, const float* x, float* out,
              std::int64_t n) {
  map(ctx, ScaleBy{factor}, out, n, x);
}

template <>
void convert(const CudaContext& ctx, const float* x, bfloat16* y, std::int64_t n) {
  map(ctx, Identity{}, y, n, x);
}

template <>
void convert(const CudaContext& ctx, const bfloat16* x, float* y, std::int64_t n) {
  map(ctx, Identity{}, y, n, x);
}

template <class Context, class T>
void fill(const Context& ctx, T value, T* out, std::int64_t n) {
  map(ctx, Constant<T>{value}, out, n);
}

#define BPTPLR_INSTANTIATE(T)                                                               \
  template void relu_forward(const CudaContext&, const T*, T*, std::int64_t);               \
  template void relu_backward(const CudaContext&, const T*, const T*, T*, std::int64_t);    \
  template void leaky_relu_forward(const CudaContext&, double, const T*, T*, std::int64_t); \
  template void leaky_relu_backward(const CudaContext&, double, const T*, const T*, T*,     \
                                    std::int64_t);                                          \
  template void add(const CudaContext&, const T*, const T*, T*, std::int64_t);              \
  template void scale(const CudaContext&, double, const T*, T*, std::int64_t);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(bfloat16)
#undef BPTPLR_INSTANTIATE

template void fill(const CudaContext&, float, float*, std::int64_t);
template void fill(const CudaContext&, double, double*, std::int64_t);
template void fill(const CudaContext&, bfloat16, bfloat16*, std::int64_t);
template void fill(const CudaContext&, std::int64_t, std::int64_t*, std::int64_t);
template void fill(const CudaContext&, std::uint8_t, std::uint8_t*, std::int64_t);

}  // namespace bptplr::kernels
