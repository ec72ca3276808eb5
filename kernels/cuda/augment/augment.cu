// Training views of images: read once, written once, everything between in shared memory.
//
// A block makes a crop. It reads the image into one of two buffers; operations on single values or
// pixels work in place, the others and the cropping go from one buffer to the other
// (ops.cuh); the last bytes leave through a table of 3 x 256 normalised values, as vectors
// of 16 bytes. A 32 x 32 image moves 3 KiB in and 12 KiB (float), 6 KiB (bfloat16) or 3 KiB (uint8)
// out, and that is the floor.
//
// Two buffers of 200 x 200 pixels are more than a block's shared memory on an H100, of 128 x 128 on
// a GPU with 99 KiB. Larger images are cropped where they lie, into buffers in the workspace: the
// same operations, but each reads and writes the crop (224 x 224 pixels: 147 KiB) in L2 or, with
// all SMs at work, in DRAM.
#include <type_traits>

#include "kernels/augment.hpp"
#include "kernels/cuda/augment/ops.cuh"
#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {
namespace {

using augment_ops::ImageSize;
using augment_ops::kLevels;
using augment_ops::kThreads;

constexpr int kBlocksPerSm = 4;
/// Two buffers that are more than a block's shared memory lie in the workspace, two buffers a
/// block, for as many blocks as this holds.
constexpr std::int64_t kWorkspaceBytes = 256 << 20;

struct Normalization {
  float mean[3];
  float std[3];
};

template <class T>
struct Batch {
  std::int64_t count;
  ImageSize image;
  ImageSize crop;
  const std::uint8_t* images;
  const std::int64_t* indices;
  const AugmentProgram* programs;
  T* out;
  Normalization normalization;
  int buffer_bytes;
  std::uint8_t* buffers;   ///< in the workspace, if not in shared memory
  bool wide_in, wide_out;  ///< whether 16-byte vectors fit
};

/// Where the crop in work lies, and room for what an operation makes of it.
struct Buffers {
  std::uint8_t* current;
  std::uint8_t* other;

  __device__ void exchange() {
    std::uint8_t* result = other;
    other = current;
    current = result;
  }
};

template <int kWidth>
__device__ __forceinline__ void read_image(int bytes, const std::uint8_t* from,
                                           std::uint8_t* image) {
  for (int i = threadIdx.x * kWidth; i < bytes; i += kThreads * kWidth) {
    store_vec(image + i, load_vec<std::uint8_t, kWidth>(from + i));
  }
}

/// Leaves the crop of the image at `from` in buffers.current, complete.
template <bool kInSharedMemory, class T>
__device__ __forceinline__ void crop_image(const Batch<T>& batch, const AugmentProgram& program,
                                           const std::uint8_t* from, Buffers& buffers) {
  if constexpr (kInSharedMemory) {
    const int bytes = batch.image.bytes();
    batch.wide_in ? read_image<16>(bytes, from, buffers.current)
                  : read_image<1>(bytes, from, buffers.current);
    __syncthreads();
    const bool whole = program.crop_x == 0 && program.crop_y == 0 && !program.flip &&
                       batch.image.height == batch.crop.height &&
                       batch.image.width == batch.crop.width;
    if (whole) return;
    augment_ops::crop_and_flip(batch.image, batch.crop, program, buffers.current, buffers.other);
    buffers.exchange();
  } else {
    augment_ops::crop_and_flip(batch.image, batch.crop, program, from, buffers.current);
  }
  __syncthreads();
}

/// Carries out the steps of the program on the crop in buffers.current, which ends complete there.
__device__ __forceinline__ void carry_out(const AugmentProgram& program, ImageSize crop,
                                          Buffers& buffers) {
#pragma unroll 1
  for (const AugmentStep& step : program.steps) {
    if (step.kind == AugmentKind::kNone) continue;
    if (augment_ops::transform(step, crop, buffers.current, buffers.other)) {
      buffers.exchange();
    } else {
      augment_ops::recolor(step, crop, buffers.current);
    }
    __syncthreads();
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
__device__ __forceinline__ void write_crop(int bytes, const std::uint8_t* crop, const T* levels,
                                           T* to) {
#pragma unroll 1
  for (std::int64_t i = threadIdx.x * kWidth; i < bytes; i += kThreads * kWidth) {
    const Vec<std::uint8_t, kWidth> values = load_vec<std::uint8_t, kWidth>(crop + i);
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

/// A block makes crops blockIdx.x, blockIdx.x + gridDim.x, ...
template <class T, bool kInSharedMemory>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) augment_kernel(const Batch<T> batch) {
  std::uint8_t* room = nullptr;
  if constexpr (kInSharedMemory) {
    room = dynamic_shared<std::uint8_t>();
  } else {
    room = batch.buffers + std::int64_t{2} * batch.buffer_bytes * blockIdx.x;
  }
  Buffers buffers{room, room + batch.buffer_bytes};
  const int bytes = batch.crop.bytes();
  const T* levels = normalized_levels<T>(batch.normalization);
  for (std::int64_t i = blockIdx.x; i < batch.count; i += gridDim.x) {
    const AugmentProgram& program = batch.programs[i];
    const std::uint8_t* from = batch.images + batch.indices[i] * batch.image.bytes();
    crop_image<kInSharedMemory>(batch, program, from, buffers);
    carry_out(program, batch.crop, buffers);
    T* to = batch.out + i * bytes;
    batch.wide_out ? write_crop<kVecWidth<T>>(bytes, buffers.current, levels, to)
                   : write_crop<1>(bytes, buffers.current, levels, to);
    __syncthreads();  // the next crop overwrites this one
  }
}

template <class T>
void augment(const CudaContext& ctx, const AugmentShape& shape, const std::uint8_t* images,
             const std::int64_t* indices, const AugmentProgram* programs,
             const Normalization& normalization, T* out) {
  const ImageSize image{shape.height, shape.width};
  const ImageSize crop{shape.crop_height, shape.crop_width};
  Batch<T> batch{shape.count,
                 image,
                 crop,
                 images,
                 indices,
                 programs,
                 out,
                 normalization,
                 max(image.buffer_bytes(), crop.buffer_bytes()),
                 nullptr,
                 can_vectorize(images, image.bytes()),
                 can_vectorize(out, crop.bytes())};
  if (shape.count == 0) return;
  // As many as the GPU holds at once; more images take turns in these blocks.
  std::int64_t blocks = min(shape.count, std::int64_t{kBlocksPerSm} * multiprocessors());
  const auto shared_bytes = static_cast<std::size_t>(batch.buffer_bytes) * 2;
  if (shared_bytes <= dynamic_shared_limit(augment_kernel<T, true>)) {
    launch(ctx, {dim3(static_cast<unsigned>(blocks)), dim3(kThreads), shared_bytes},
           augment_kernel<T, true>, batch);
    return;
  }
  batch.buffer_bytes = crop.buffer_bytes();
  const std::int64_t bytes_per_block = std::int64_t{2} * batch.buffer_bytes;
  blocks = min(blocks, max(std::int64_t{1}, kWorkspaceBytes / bytes_per_block));
  batch.buffers = ctx.scratch<std::uint8_t>(blocks * bytes_per_block);
  launch(ctx, {dim3(static_cast<unsigned>(blocks)), dim3(kThreads)}, augment_kernel<T, false>,
         batch);
}

}  // namespace

template <class Context, class T>
void augment_batch(const Context& ctx, const AugmentShape& shape, const std::uint8_t* images,
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

template <>
void augment_batch(const CudaContext& ctx, const AugmentShape& shape, const std::uint8_t* images,
                   const std::int64_t* indices, const AugmentProgram* programs, std::uint8_t* out) {
  augment(ctx, shape, images, indices, programs, Normalization{}, out);
}

}  // namespace bptplr::kernels
