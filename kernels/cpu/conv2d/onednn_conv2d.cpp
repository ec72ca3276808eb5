// oneDNN splits its work, and with it the order of its sums, by the number of threads. We want the
// same bits for any number, so every primitive is created and run single-threaded on a chunk of
// images whose size follows from the shape alone, and the chunks run in parallel. Partial weight
// gradients of the chunks are added in the order of the chunks.
//
// A small chunk has a second merit: where oneDNN's fastest kernel wants a blocked layout (Winograd
// for 3x3, stride 1, many channels; about 2.3 times fewer multiplications), the reorder from and to
// NHWC stays inside the cache.
#include "kernels/cpu/conv2d/onednn_conv2d.hpp"

#include <omp.h>

#include <algorithm>
#include <dnnl.hpp>

#include "kernels/cpu/conv2d/memories.hpp"
#include "kernels/cpu/conv2d/plan.hpp"
#include "kernels/cpu/onednn_errors.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

using onednn::cached_plan;
using onednn::Factors;
using onednn::host_engine;
using onednn::make_reorder;
using onednn::memory_at;
using onednn::Operand;
using onednn::Pass;
using onednn::PassOf;
using onednn::Plan;
using onednn::reads_a_grid;
using onednn::stream_of_thread;
using onednn::with_our_errors;

/// Calls fn(pixel of x, pixel of the grid) for every pixel that such a convolution reads.
template <class Fn>
void for_each_grid_pixel(const Conv2dShape& s, Fn&& fn) {
  std::int64_t grid_pixel = 0;
  for (std::int64_t n = 0; n < s.n; ++n) {
    for (std::int64_t p = 0; p < s.out_h(); ++p) {
      for (std::int64_t q = 0; q < s.out_w(); ++q) {
        fn((n * s.h + p * s.stride) * s.w + q * s.stride, grid_pixel++);
      }
    }
  }
}

std::size_t grid_bytes(const Conv2dShape& s) {
  if (!reads_a_grid(s)) return 0;
  return Operand::round_up(static_cast<std::size_t>(s.n * s.out_h() * s.out_w() * s.c) *
                           sizeof(float));
}

void* advance(void* memory, std::size_t bytes) {
  return static_cast<char*>(memory) + bytes;
}

void convert(const dnnl::reorder& reorder, const dnnl::memory::desc& from_desc, const void* from,
             const dnnl::memory::desc& to_desc, void* to) {
  dnnl::stream stream = stream_of_thread();
  reorder.execute(stream, memory_at(from_desc, from), memory_at(to_desc, to));
  stream.wait();
}

/// Runs a plan on one chunk. x, y are the caller's NHWC chunk; w is a handle of the native layout.
class ChunkRunner {
 public:
  ChunkRunner(Pass pass, const Plan& plan, void* scratch) : pass_(pass), plan_(plan) {
    grid_ = scratch;
    x_copy_ = advance(grid_, grid_bytes(plan.shape));
    y_copy_ = advance(x_copy_, plan.x.bytes());
    scratchpad_ = advance(y_copy_, plan.y.bytes());
  }

  /// Scratch bytes that one thread needs.
  static std::size_t scratch_bytes(const Plan& plan) {
    return grid_bytes(plan.shape) + plan.x.bytes() + plan.y.bytes() +
           Operand::round_up(plan.scratchpad.get_size());
  }

  void run(float* x, const dnnl::memory& w, void* y) const {
    if (!reads_a_grid(plan_.shape)) {
      run_dense(x, w, y);
      return;
    }
    const std::int64_t c = plan_.shape.c;
    auto* grid = static_cast<float*>(grid_);
    if (pass_ != Pass::kBackwardData) {
      for_each_grid_pixel(plan_.shape, [&](std::int64_t from, std::int64_t to) {
        std::copy_n(x + from * c, c, grid + to * c);
      });
    }
    run_dense(grid, w, y);
    if (pass_ == Pass::kBackwardData) {
      std::fill_n(x, plan_.shape.n * plan_.shape.h * plan_.shape.w * c, 0.0F);
      for_each_grid_pixel(plan_.shape, [&](std::int64_t to, std::int64_t from) {
        std::copy_n(grid + from * c, c, x + to * c);
      });
    }
  }

 private:
  void run_dense(void* x, const dnnl::memory& w, void* y) const {
    const bool x_is_input = pass_ != Pass::kBackwardData;
    const bool y_is_input = pass_ != Pass::kForward;
    void* native_x = plan_.x.same() ? x : x_copy_;
    void* native_y = plan_.y.same() ? y : y_copy_;
    if (x_is_input && !plan_.x.same()) to_native(plan_.x, x, native_x);
    if (y_is_input && !plan_.y.same()) to_native(plan_.y, y, native_y);
    execute(native_x, w, native_y);
    if (!x_is_input && !plan_.x.same()) to_user(plan_.x, native_x, x);
    if (!y_is_input && !plan_.y.same()) to_user(plan_.y, native_y, y);
  }

  static void to_native(const Operand& operand, const void* user, void* native) {
    convert(operand.convert, operand.user, user, operand.native, native);
  }
  static void to_user(const Operand& operand, const void* native, void* user) {
    convert(operand.convert, operand.native, native, operand.user, user);
  }

  void execute(void* x, const dnnl::memory& w, void* y) const {
    const bool forward = pass_ == Pass::kForward;
    const int x_arg = pass_ == Pass::kBackwardData ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC;
    const int w_arg = pass_ == Pass::kBackwardWeights ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS;
    const int y_arg = forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST;
    dnnl::stream stream = stream_of_thread();
    plan_.primitive.execute(stream,
                            {{x_arg, memory_at(plan_.x.native, x)},
                             {w_arg, w},
                             {y_arg, memory_at(plan_.y.native, y)},
                             {DNNL_ARG_SCRATCHPAD, memory_at(plan_.scratchpad, scratchpad_)}});
    stream.wait();
  }

  Pass pass_;
  const Plan& plan_;
  void* grid_;
  void* x_copy_;
  void* y_copy_;
  void* scratchpad_;
};

/// The whole chunk and, where n is no multiple of it, the plan of the last, smaller one.
struct ChunkPlans {
  std::int64_t images = 0;
  const Plan* full = nullptr;
  const Plan* tail = nullptr;

  ChunkPlans(const PassOf& pass, const Conv2dShape& shape, std::int64_t chunk_images)
      : images(std::min(chunk_images, shape.n)) {
    Conv2dShape chunk = shape;
    chunk.n = images;
    full = tail = &cached_plan(pass, chunk);
    if (shape.n % images != 0) {
      chunk.n = shape.n % images;
      tail = &cached_plan(pass, chunk);
    }
  }

  const Plan& plan(std::int64_t chunk_size) const { return chunk_size == images ? *full : *tail; }
  std::size_t scratch_bytes() const {
    return std::max(ChunkRunner::scratch_bytes(*full), ChunkRunner::scratch_bytes(*tail));
  }
};

/// parallel_for, but always inside a parallel region: oneDNN then stays on the calling thread.
template <class Fn>
void for_each_chunk(std::int64_t n, std::int64_t images, Fn&& fn) {
  const std::int64_t chunks = chunk_count(n, images);
  FirstError error;
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t c = 0; c < chunks; ++c) {
    error.guard(c,
                [&] { fn(c, c * images, std::min(images, n - c * images), omp_get_thread_num()); });
  }
  error.rethrow();
}

/// Images per chunk of the forward and the data pass: about 1 MiB of activations, so that reordered
/// copies stay in a core's L2 cache.
std::int64_t streaming_chunk(const Conv2dShape& s) {
  const std::int64_t floats = std::max(s.h * s.w * s.c, s.out_h() * s.out_w() * s.k);
  return std::clamp<std::int64_t>((1 << 18) / std::max<std::int64_t>(floats, 1), 1, 64);
}

/// Images per chunk of the weights pass. Each chunk has a gradient of its own to write and to add
/// up, so there are at most eight, and none has fewer than 512 output pixels to pay for it.
std::int64_t weights_chunk(const Conv2dShape& s) {
  const std::int64_t pixels = std::max<std::int64_t>(s.out_h() * s.out_w(), 1);
  return std::max(chunk_count(s.n, 8), chunk_count(512, pixels));
}

void run_streaming(const CpuContext& ctx, const PassOf& of, const Conv2dShape& s, float* x,
                   const float* w, float* y) {
  if (s.n == 0) return;
  const ChunkPlans plans(of, s, streaming_chunk(s));
  const Operand& weights = plans.full->w;
  const std::size_t per_thread = plans.scratch_bytes();
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  // Both plans take the weights as the full one wants them; a tail that differs converts its own.
  const std::size_t w_bytes = weights.bytes();
  const std::size_t tail_bytes = plans.tail == plans.full ? 0 : plans.tail->w.bytes();
  void* scratch = ctx.workspace->reserve(w_bytes + tail_bytes + threads * per_thread + 64);
  void* thread_scratch = advance(scratch, w_bytes + tail_bytes);
  const auto native_weights = [&](const Operand& operand, void* memory) {
    auto* user = const_cast<float*>(w);
    if (operand.same()) return static_cast<void*>(user);
    convert(operand.convert, operand.user, user, operand.native, memory);
    return memory;
  };
  void* full_w = native_weights(weights, scratch);
  void* tail_w =
      plans.tail == plans.full ? full_w : native_weights(plans.tail->w, advance(scratch, w_bytes));
  // Handles of this thread for all: setting one may clear the padding of its layout.
  const dnnl::memory full_handle = memory_at(plans.full->w.native, full_w);
  const dnnl::memory tail_handle =
      plans.tail == plans.full ? full_handle : memory_at(plans.tail->w.native, tail_w);
  const std::int64_t x_size = s.h * s.w * s.c;
  const std::int64_t y_size = s.out_h() * s.out_w() * s.k;
  for_each_chunk(
      s.n, plans.images, [&](std::int64_t, std::int64_t first, std::int64_t count, int thread) {
        const Plan& plan = plans.plan(count);
        void* own = advance(thread_scratch, static_cast<std::size_t>(thread) * per_thread);
        ChunkRunner(of.pass, plan, own)
            .run(x + first * x_size, &plan == plans.full ? full_handle : tail_handle,
                 y + first * y_size);
      });
}

void run_weights(const CpuContext& ctx, Factors factors, const Conv2dShape& s, const float* x,
                 const float* dy, float* dw) {
  if (s.n == 0) {
    std::fill_n(dw, s.weights(), 0.0F);
    return;
  }
  constexpr Pass kPass = Pass::kBackwardWeights;
  const ChunkPlans plans({kPass, factors}, s, weights_chunk(s));
  const std::int64_t chunks = chunk_count(s.n, plans.images);
  const std::size_t per_thread = plans.scratch_bytes();
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  const dnnl::memory::desc& native = plans.full->w.native;
  const std::size_t partial = Operand::round_up(native.get_size());
  // The tail may prefer another weights layout; its gradient is converted before it is added.
  const bool tail_differs = plans.tail->w.native != native;
  const std::size_t tail_partial =
      tail_differs ? Operand::round_up(plans.tail->w.native.get_size()) : 0;
  void* scratch = ctx.workspace->reserve(static_cast<std::size_t>(chunks) * partial + tail_partial +
                                         threads * per_thread);
  void* tail_memory = advance(scratch, static_cast<std::size_t>(chunks) * partial);
  void* thread_scratch = advance(tail_memory, tail_partial);
  const std::int64_t x_size = s.h * s.w * s.c;
  const std::int64_t y_size = s.out_h() * s.out_w() * s.k;
  for_each_chunk(
      s.n, plans.images,
      [&](std::int64_t chunk, std::int64_t first, std::int64_t count, int thread) {
        const Plan& plan = plans.plan(count);
        const bool own_layout = tail_differs && &plan == plans.tail;
        void* target =
            own_layout ? tail_memory : advance(scratch, static_cast<std::size_t>(chunk) * partial);
        void* own = advance(thread_scratch, static_cast<std::size_t>(thread) * per_thread);
        ChunkRunner(kPass, plan, own)
            .run(const_cast<float*>(x) + first * x_size, memory_at(plan.w.native, target),
                 const_cast<float*>(dy) + first * y_size);
      });
  if (tail_differs) {
    convert(make_reorder(plans.tail->w.native, native), plans.tail->w.native, tail_memory, native,
            advance(scratch, static_cast<std::size_t>(chunks - 1) * partial));
  }
  const auto partial_floats = static_cast<std::int64_t>(partial / sizeof(float));
  auto* sum = static_cast<float*>(scratch);
  parallel_for(static_cast<std::int64_t>(native.get_size() / sizeof(float)), kElementGrain,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t c = 1; c < chunks; ++c) {
                   const float* other = sum + c * partial_floats;
                   for (std::int64_t i = begin; i < end; ++i) sum[i] += other[i];
                 }
               });
  if (plans.full->w.same()) {
    std::copy_n(sum, s.weights(), dw);
  } else {
    convert(plans.full->w.convert, native, sum, plans.full->w.user, dw);
  }
}

}  // namespace

namespace onednn {

void convolve_forward(const CpuContext& ctx, Factors factors, const Conv2dShape& shape,
                      const float* x, const float* w, float* y) {
  with_our_errors([&] {
    run_streaming(ctx, {Pass::kForward, factors}, shape, const_cast<float*>(x), w, y);
  });
}

void convolve_backward_data(const CpuContext& ctx, Factors factors, const Conv2dShape& shape,
                            const float* dy, const float* w, float* dx) {
  with_our_errors([&] {
    run_streaming(ctx, {Pass::kBackwardData, factors}, shape, dx, w, const_cast<float*>(dy));
  });
}

void convolve_backward_weights(const CpuContext& ctx, Factors factors, const Conv2dShape& shape,
                               const float* x, const float* dy, float* dw) {
  with_our_errors([&] { run_weights(ctx, factors, shape, x, dy, dw); });
}

}  // namespace onednn
}  // namespace bptplr::kernels
