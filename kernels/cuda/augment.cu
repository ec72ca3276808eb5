// Training views of images: read once, written once, everything between in shared memory.
//
// A block makes an image. It reads the bytes into one of two buffers; operations on single values
// or pixels work in place, the others go from one buffer to the other (augment_ops.cuh); the last
// bytes leave through a table of 3 x 256 normalised values, as vectors of 16 bytes. A 32 x 32 image
// moves 3 KiB in and 12 KiB (float), 6 KiB (bfloat16) or 3 KiB (uint8) out, and that is the floor.
#include <type_traits>

#include "kernels/augment.hpp"
#include "kernels/cuda/augment_ops.cuh"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/launch.hpp"

namespace bptplr::kernels {
namespace {

using augment_ops::ImageSize;
using augment_ops::kLevels;
using augment_ops::kThreads;

constexpr int kBlocksPerSm = 4;
/// What an H200 holds at once; more images take turns in these blocks.
constexpr std::int64_t kMaxBlocks = 132 * kBlocksPerSm;
/// Dynamic shared memory for the two buffers; tables take some 7 KiB of a block's 227.
constexpr std::int64_t kSharedBytes = 200 << 10;
/// Larger images lie in the workspace, two buffers a block, for as many blocks as this holds.
constexpr std::int64_t kWorkspaceBytes = 256 << 20;

struct Normalization {
  float mean[3];
  float std[3];
};

template <class T>
struct Batch {
  std::int64_t count;
  ImageSize size;
  const std::uint8_t* images;
  const std::int64_t* indices;
  const AugmentProgram* programs;
  T* out;
  std::uint8_t* buffers;  ///< in the workspace
  Normalization normalization;
  bool wide_in, wide_out;  ///< whether 16-byte vectors fit
};

/// Makes one image of the bytes in `image` and returns in which of the two buffers it lies.
__device__ __forceinline__ const std::uint8_t* make_image(ImageSize size,
                                                          const AugmentProgram& program,
                                                          std::uint8_t* image,
                                                          std::uint8_t* other) {
  const auto exchange = [&] {
    std::uint8_t* result = other;
    other = image;
    image = result;
  };
  if (program.crop_x != 0 || program.crop_y != 0 || program.flip) {
    augment_ops::crop_and_flip(size, program, image, other);
    exchange();
    __syncthreads();
  }
#pragma unroll 1
  for (const AugmentStep& step : program.steps) {
    if (step.kind == AugmentKind::kNone) continue;
    if (augment_ops::transform(step, size, image, other)) {
      exchange();
    } else {
      augment_ops::recolor(step, size, image);
    }
    __syncthreads();
  }
  return image;
}

template <int kWidth>
__device__ __forceinline__ void read_image(int bytes, const std::uint8_t* from,
                                           std::uint8_t* image) {
  for (int i = threadIdx.x * kWidth; i < bytes; i += kThreads * kWidth) {
    store_vec(image + i, load_vec<std::uint8_t, kWidth>(from + i));
  }
}

/// Level v of channel c is written as levels[c * kLevels + v]; complete after the next barrier.
/// Bytes are written as they are.
template <class T>
__device__ __forceinline__ const T* normalized_levels(const Normalization& by) {
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    return nullptr;
  } else {
    __shared__ T levels[3 * kLevels];
    for (int v = threadIdx.x; v < kLevels; v += kThreads) {
      const float value = __fdiv_rn(static_cast<float>(v), 255.0f);
#pragma unroll
      for (int c = 0; c < 3; ++c) {
        levels[c * kLevels + v] = static_cast<T>(__fdiv_rn(value - by.mean[c], by.std[c]));
      }
    }
    return levels;
  }
}

/// The index has 64 bits because nvcc splits the vector stores when it has 32.
template <int kWidth, class T>
__device__ __forceinline__ void write_image(int bytes, const std::uint8_t* image, const T* levels,
                                            T* to) {
#pragma unroll 1
  for (std::int64_t i = threadIdx.x * kWidth; i < bytes; i += kThreads * kWidth) {
    const Vec<std::uint8_t, kWidth> values = load_vec<std::uint8_t, kWidth>(image + i);
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      store_vec(to + i, values);
    } else {
      Vec<T, kWidth> result;
      int channel = static_cast<int>(i) % 3;
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        result.v[k] = levels[channel * kLevels + values.v[k]];
        channel = channel == 2 ? 0 : channel + 1;
      }
      store_vec(to + i, result);
    }
  }
}

/// A block makes images blockIdx.x, blockIdx.x + gridDim.x, ...
template <class T, bool kInSharedMemory>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) augment_kernel(const Batch<T> batch) {
  const ImageSize size = batch.size;
  const int bytes = size.bytes();
  std::uint8_t* image = nullptr;
  if constexpr (kInSharedMemory) {
    image = dynamic_shared<std::uint8_t>();
  } else {
    image = batch.buffers + std::int64_t{2} * size.buffer_bytes() * blockIdx.x;
  }
  const T* levels = normalized_levels<T>(batch.normalization);
  for (std::int64_t i = blockIdx.x; i < batch.count; i += gridDim.x) {
    const std::uint8_t* from = batch.images + batch.indices[i] * bytes;
    batch.wide_in ? read_image<16>(bytes, from, image) : read_image<1>(bytes, from, image);
    __syncthreads();
    const std::uint8_t* result =
        make_image(size, batch.programs[i], image, image + size.buffer_bytes());
    T* to = batch.out + i * bytes;
    batch.wide_out ? write_image<kVecWidth<T>>(bytes, result, levels, to)
                   : write_image<1>(bytes, result, levels, to);
    __syncthreads();  // the next image overwrites this one
  }
}

template <class T>
void augment(const CudaContext& ctx, const AugmentShape& shape, const std::uint8_t* images,
             const std::int64_t* indices, const AugmentProgram* programs,
             const Normalization& normalization, T* out) {
  const ImageSize size{shape.height, shape.width};
  Batch<T> batch{shape.count,
                 size,
                 images,
                 indices,
                 programs,
                 out,
                 nullptr,
                 normalization,
                 can_vectorize(images, size.bytes()),
                 can_vectorize(out, size.bytes())};
  const std::int64_t buffers_bytes = std::int64_t{2} * size.buffer_bytes();
  std::int64_t blocks = min(shape.count, kMaxBlocks);
  if (blocks == 0) return;
  if (buffers_bytes <= kSharedBytes) {
    launch(ctx,
           {dim3(static_cast<unsigned>(blocks)), dim3(kThreads),
            static_cast<std::size_t>(buffers_bytes)},
           augment_kernel<T, true>, batch);
    return;
  }
  blocks = min(blocks, max(std::int64_t{1}, kWorkspaceBytes / buffers_bytes));
  batch.buffers = ctx.scratch<std::uint8_t>(blocks * buffers_bytes);
  launch(ctx, {dim3(static_cast<unsigned>(blocks)), dim3(kThreads)}, augment_kernel<T, false>,
         batch);
}

}  // namespace

template <class T>
void augment_batch(const CudaContext& ctx, const AugmentShape& shape, const std::uint8_t* images,
                   const std::int64_t* indices, const AugmentProgram* programs, const float* mean,
                   const float* std, T* out) {
  const Normalization normalization{{mean[0], mean[1], mean[2]}, {std[0], std[1], std[2]}};
  augment(ctx, shape, images, indices, programs, normalization, out);
}

template void augment_batch(const CudaContext&, const AugmentShape&, const std::uint8_t*,
                            const std::int64_t*, const AugmentProgram*, const float*, const float*,
                            float*);
template void augment_batch(const CudaContext&, const AugmentShape&, const std::uint8_t*,
                            const std::int64_t*, const AugmentProgram*, const float*, const float*,
                            bfloat16*);

void augment_batch(const CudaContext& ctx, const AugmentShape& shape, const std::uint8_t* images,
                   const std::int64_t* indices, const AugmentProgram* programs, std::uint8_t* out) {
  augment(ctx, shape, images, indices, programs, Normalization{}, out);
}

}  // namespace bptplr::kernels
