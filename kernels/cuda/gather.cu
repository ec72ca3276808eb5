// Rows copied by number. What the elements mean does not matter, so rows are copied as words: the
// widest ones, up to 16 bytes, that divide a row and that both arrays are aligned to. A thread
// copies one word, so that neighbours of a row are read together and a batch of labels (rows of one
// word) needs no more threads than rows.
#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/gather.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;

template <int kBytes>
using Word = Vec<std::uint16_t, kBytes / 2>;

/// Rows of `length` words.
template <int kBytes>
__global__ void __launch_bounds__(kThreads)
    gather_kernel(std::int64_t rows, std::int64_t length, const Word<kBytes>* source,
                  const std::int64_t* index, Word<kBytes>* out) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= rows * length) return;
  const std::int64_t row = i / length;
  out[i] = source[i + (index[row] - row) * length];
}

template <int kBytes>
void gather_words(const CudaContext& ctx, std::int64_t rows, std::int64_t row_bytes,
                  const void* source, const std::int64_t* index, void* out) {
  const std::int64_t length = row_bytes / kBytes;
  const LaunchShape shape{dim3(static_cast<unsigned>(div_up(rows * length, kThreads))),
                          dim3(kThreads)};
  launch(ctx, shape, gather_kernel<kBytes>, rows, length, static_cast<const Word<kBytes>*>(source),
         index, static_cast<Word<kBytes>*>(out));
}

}  // namespace

template <class Context, class T>
void gather_rows(const Context& ctx, std::int64_t rows, std::int64_t length, const T* source,
                 const std::int64_t* index, T* out) {
  const std::int64_t row_bytes = length * static_cast<std::int64_t>(sizeof(T));
  const std::uintptr_t misfit = reinterpret_cast<std::uintptr_t>(source) |
                                reinterpret_cast<std::uintptr_t>(out) |
                                static_cast<std::uintptr_t>(row_bytes);
  const auto gather = misfit % 16 == 0  ? gather_words<16>
                      : misfit % 8 == 0 ? gather_words<8>
                      : misfit % 4 == 0 ? gather_words<4>
                                        : gather_words<2>;
  gather(ctx, rows, row_bytes, source, index, out);
}

#define BPTPLR_INSTANTIATE(T)                                                         \
  template void gather_rows(const CudaContext&, std::int64_t, std::int64_t, const T*, \
                            const std::int64_t*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
BPTPLR_INSTANTIATE(bfloat16)
BPTPLR_INSTANTIATE(std::int64_t)
BPTPLR_INSTANTIATE(std::uint64_t)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
