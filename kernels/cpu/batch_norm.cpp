// The rows of each group are cut into chunks that fit a core's cache. A reduction computes one
// partial result a chunk, and one thread adds these up in order, in double precision.
#include "kernels/batch_norm.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/batch_norm_rows.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// The chunks of all groups, numbered group by group.
struct RowChunks {
  std::int64_t rows_per_chunk;
  std::int64_t per_group;
  std::int64_t count;

  explicit RowChunks(const BatchNormShape& s)
      : rows_per_chunk(
            std::max<std::int64_t>(1, (1 << 13) / std::max<std::int64_t>(s.channels, 1))),
        per_group(chunk_count(s.rows, rows_per_chunk)),
        count(s.groups * per_group) {}

  /// Calls fn(chunk, group, first_row, rows) in parallel; first_row counts over all groups.
  template <class Fn>
  void for_each(const BatchNormShape& s, Fn&& fn) const {
    parallel_for(count, 1, [&](std::int64_t chunk, std::int64_t) {
      const std::int64_t group = chunk / per_group;
      const std::int64_t begin = chunk % per_group * rows_per_chunk;
      fn(chunk, group, group * s.rows + begin, std::min(rows_per_chunk, s.rows - begin));
    });
  }
};

/// weight / sqrt(variance + eps) for every group and channel.
template <class T>
void compute_scale(const BatchNormShape& s, const T* variance, const T* weight, T eps, T* scale) {
  for (std::int64_t g = 0; g < s.groups; ++g) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const std::int64_t i = g * s.channels + c;
      scale[i] = weight[c] / std::sqrt(variance[i] + eps);
    }
  }
}

/// Statistics of x, whose values from(first, count) yields when their chunk's turn comes: all are
/// in the cache then.
template <class T, class From>
void statistics_of(const CpuContext& ctx, const BatchNormShape& s, From&& from, T* mean,
                   T* variance) {
  const RowChunks chunks(s);
  const std::int64_t channels = s.channels;
  T* partial = ctx.scratch<T>(chunks.count * 2 * channels);
  chunks.for_each(s, [&](std::int64_t chunk, std::int64_t, std::int64_t first, std::int64_t rows) {
    T* own = partial + chunk * 2 * channels;
    row_moments(from(first * channels, rows * channels), rows, channels, own, own + channels);
  });
  const auto rows_of = [&](std::int64_t chunk) {
    return std::min(chunks.rows_per_chunk,
                    s.rows - chunk % chunks.per_group * chunks.rows_per_chunk);
  };
  merge_moments(s.groups, chunks.per_group, channels, partial, rows_of, mean, variance);
}

}  // namespace

template <class Context, class T>
void batch_norm_statistics(const Context& ctx, const BatchNormShape& s, const T* x, StatOf<T>* mean,
                           StatOf<T>* variance) {
  statistics_of(
      ctx, s, [x](std::int64_t first, std::int64_t) { return x + first; }, mean, variance);
}

template <class Context, class T>
void batch_norm_add_statistics(const Context& ctx, const BatchNormShape& s, const T* a, const T* b,
                               T* sum, StatOf<T>* mean, StatOf<T>* variance) {
  const auto add = [=](std::int64_t first, std::int64_t count) {
#pragma omp simd
    for (std::int64_t i = first; i < first + count; ++i) sum[i] = a[i] + b[i];
    return static_cast<const T*>(sum + first);
  };
  statistics_of(ctx, s, add, mean, variance);
}

template <class Context, class T>
void batch_norm_update_running(const Context&, const BatchNormShape& s, const T* mean,
                               const T* variance, T momentum, T* running_mean,
                               T* running_variance) {
  const T unbias = static_cast<T>(s.rows) / static_cast<T>(std::max<std::int64_t>(s.rows - 1, 1));
  for (std::int64_t g = 0; g < s.groups; ++g) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const std::int64_t i = g * s.channels + c;
      running_mean[c] = (T{1} - momentum) * running_mean[c] + momentum * mean[i];
      running_variance[c] =
          (T{1} - momentum) * running_variance[c] + momentum * variance[i] * unbias;
    }
  }
}

template <class Context, class S>
void batch_norm_merge_statistics(const Context&, const BatchNormShape& s, std::int64_t parts,
                                 const std::int64_t* rows, const S* own, S* mean, S* variance) {
  const std::int64_t all = s.groups * s.channels;
  for (std::int64_t i = 0; i < all; ++i) {
    Moments sum;
    for (std::int64_t part = 0; part < parts; ++part) {
      const S* of = own + part * 2 * all + i;
      const auto count = static_cast<double>(rows[part]);
      sum.merge(count, static_cast<double>(of[0]), static_cast<double>(of[all]) * count);
    }
    mean[i] = static_cast<S>(sum.mean);
    variance[i] = static_cast<S>(sum.variance());
  }
}

template <class Context, class T>
void batch_norm_normalize(const Context& ctx, const BatchNormShape& s, const T* x,
                          const StatOf<T>* mean, const StatOf<T>* variance, const StatOf<T>* weight,
                          const StatOf<T>* bias, StatOf<T> eps, T* y) {
  const std::int64_t channels = s.channels;
  T* scale = ctx.template scratch<T>(s.groups * channels);
  compute_scale(s, variance, weight, eps, scale);
  const T floor = relu_floor<T>(s.relu);
  RowChunks(s).for_each(
      s, [&](std::int64_t, std::int64_t group, std::int64_t first, std::int64_t rows) {
        normalize_rows(x + first * channels, rows, channels, mean + group * channels,
                       scale + group * channels, bias, floor, y + first * channels);
      });
}

// With xhat = (x - mean) * invstd and g = dy + more_dy masked by the ReLU, over the m rows of a
// group
//   dbias = sum g,  dweight = sum g xhat,
//   dx = weight * invstd * (g - dbias/m - xhat * dweight/m)   (training)
//   dx = weight * invstd * g                                  (fixed statistics).
namespace {

/// The gradient of y: one array, or the sum of two.
template <bool kTwo, class T>
struct OutputGradient {
  const T* dy;
  const T* more_dy;

  OutputGradient from(std::int64_t first) const {
    return {dy + first, kTwo ? more_dy + first : nullptr};
  }
  T operator[](std::int64_t i) const {
    if constexpr (kTwo) return dy[i] + more_dy[i];
    return dy[i];
  }
};

/// Calls fn with the OutputGradient.
template <class T, class Fn>
void with_output_gradient(const T* dy, const T* more_dy, Fn&& fn) {
  if (more_dy != nullptr) {
    fn(OutputGradient<true, T>{dy, more_dy});
  } else {
    fn(OutputGradient<false, T>{dy, nullptr});
  }
}

/// Sums of g and of g * (x - mean), one pair of rows a chunk: partial [chunks, 2, channels].
template <class Gradient, class T>
void sum_gradients(const BatchNormShape& s, const RowChunks& chunks, const T* x, Gradient dy,
                   const T* mean, const T* scale, const T* bias, T* partial) {
  const std::int64_t channels = s.channels;
  const T floor = relu_floor<T>(s.relu);
  chunks.for_each(
      s, [&](std::int64_t chunk, std::int64_t group, std::int64_t first, std::int64_t rows) {
        T* own = partial + chunk * 2 * channels;
        for_each_channel_block(channels, [&](std::int64_t block, auto width) {
          const T* a = scale + group * channels + block;
          const T* m = mean + group * channels + block;
          T sum_g[width] = {};
          T sum_gx[width] = {};
          for (std::int64_t r = first; r < first + rows; ++r) {
            const T* xr = x + r * channels + block;
            const Gradient dyr = dy.from(r * channels + block);
#pragma omp simd
            for (int c = 0; c < width; ++c) {
              const T centred = xr[c] - m[c];
              const T dyc = dyr[c];
              const T g = centred * a[c] + bias[block + c] > floor ? dyc : T{0};
              sum_g[c] += g;
              sum_gx[c] += g * centred;
            }
          }
          std::copy_n(sum_g, width, own + block);
          std::copy_n(sum_gx, width, own + channels + block);
        });
      });
}

/// Adds up the chunks: sums [2, groups, channels], dweight and dbias.
template <class T>
void finish_sums(const BatchNormShape& s, const RowChunks& chunks, const T* variance, T eps,
                 const T* partial, double* sums, T* dweight, T* dbias) {
  const std::int64_t channels = s.channels;
  std::fill_n(dweight, channels, T{0});
  std::fill_n(dbias, channels, T{0});
  for (std::int64_t g = 0; g < s.groups; ++g) {
    for (std::int64_t c = 0; c < channels; ++c) {
      double sum_g = 0.0;
      double sum_gx = 0.0;
      for (std::int64_t k = 0; k < chunks.per_group; ++k) {
        const T* own = partial + (g * chunks.per_group + k) * 2 * channels + c;
        sum_g += own[0];
        sum_gx += own[channels];
      }
      const std::int64_t i = g * channels + c;
      const double invstd = 1.0 / std::sqrt(static_cast<double>(variance[i]) + eps);
      dweight[c] += static_cast<T>(sum_gx * invstd);
      dbias[c] += static_cast<T>(sum_g);
      sums[i] = sum_g;
      sums[s.groups * channels + i] = sum_gx;
    }
  }
}

/// What dx = scale * (g - mean_g - centred * slope) needs, both zero for fixed statistics.
template <class T>
void find_corrections(const BatchNormShape& s, std::int64_t batch_rows, const T* variance, T eps,
                      const double* sums, T* mean_g, T* slope) {
  const double inverse_rows = batch_rows > 0 ? 1.0 / static_cast<double>(batch_rows) : 0.0;
  const std::int64_t all = s.groups * s.channels;
  for (std::int64_t i = 0; i < all; ++i) {
    const double invstd = 1.0 / std::sqrt(static_cast<double>(variance[i]) + eps);
    mean_g[i] = static_cast<T>(sums[i] * inverse_rows);
    slope[i] = static_cast<T>(sums[all + i] * invstd * invstd * inverse_rows);
  }
}

/// dx = scale * (g - mean_g - centred * slope)
template <class Gradient, class T>
void input_gradient(const BatchNormShape& s, const RowChunks& chunks, const T* x, Gradient dy,
                    const T* mean, const T* scale, const T* bias, const T* mean_g, const T* slope,
                    T* dx) {
  const std::int64_t channels = s.channels;
  const T floor = relu_floor<T>(s.relu);
  chunks.for_each(s, [&](std::int64_t, std::int64_t group, std::int64_t first, std::int64_t rows) {
    const T* a = scale + group * channels;
    const T* m = mean + group * channels;
    const T* mg = mean_g + group * channels;
    const T* k = slope + group * channels;
    for_each_channel_block<16>(channels, [&](std::int64_t block, auto width) {
      for (std::int64_t r = first; r < first + rows; ++r) {
        const T* xr = x + r * channels + block;
        const Gradient dyr = dy.from(r * channels + block);
        T* dxr = dx + r * channels + block;
#pragma omp simd
        for (int c = 0; c < width; ++c) {
          const std::int64_t i = block + c;
          const T centred = xr[c] - m[i];
          const T dyc = dyr[c];
          const T g = centred * a[i] + bias[i] > floor ? dyc : T{0};
          dxr[c] = a[i] * (g - mg[i] - centred * k[i]);
        }
      }
    });
  });
}

}  // namespace

template <class Context, class T>
void batch_norm_backward_sums(const Context& ctx, const BatchNormShape& s,
                              const BatchNormGradient<T>& in, double* sums, StatOf<T>* dweight,
                              StatOf<T>* dbias) {
  const RowChunks chunks(s);
  const std::int64_t all = s.groups * s.channels;
  T* scale = ctx.template scratch<T>(all + chunks.count * 2 * s.channels);
  T* partial = scale + all;
  compute_scale(s, in.variance, in.weight, in.eps, scale);
  with_output_gradient(in.dy, in.more_dy, [&](auto gradient) {
    sum_gradients(s, chunks, in.x, gradient, in.mean, scale, in.bias, partial);
  });
  finish_sums(s, chunks, in.variance, in.eps, partial, sums, dweight, dbias);
}

template <class Context, class T>
void batch_norm_backward_input(const Context& ctx, const BatchNormShape& s, std::int64_t batch_rows,
                               const BatchNormGradient<T>& in, const double* sums, T* dx) {
  const std::int64_t all = s.groups * s.channels;
  T* scale = ctx.template scratch<T>(3 * all);
  T* mean_g = scale + all;
  T* slope = mean_g + all;
  compute_scale(s, in.variance, in.weight, in.eps, scale);
  find_corrections(s, batch_rows, in.variance, in.eps, sums, mean_g, slope);
  with_output_gradient(in.dy, in.more_dy, [&](auto gradient) {
    input_gradient(s, RowChunks(s), in.x, gradient, in.mean, scale, in.bias, mean_g, slope, dx);
  });
}

#define BPTPLR_INSTANTIATE(T)                                                                      \
  template void batch_norm_statistics(const CpuContext&, const BatchNormShape&, const T*, T*, T*); \
  template void batch_norm_add_statistics(const CpuContext&, const BatchNormShape&, const T*,      \
                                          const T*, T*, T*, T*);                                   \
  template void batch_norm_update_running(const CpuContext&, const BatchNormShape&, const T*,      \
                                          const T*, T, T*, T*);                                    \
  template void batch_norm_normalize(const CpuContext&, const BatchNormShape&, const T*, const T*, \
                                     const T*, const T*, const T*, T, T*);                         \
  template void batch_norm_merge_statistics(const CpuContext&, const BatchNormShape&,              \
                                            std::int64_t, const std::int64_t*, const T*, T*, T*);  \
  template void batch_norm_backward_sums(const CpuContext&, const BatchNormShape&,                 \
                                         const BatchNormGradient<T>&, double*, T*, T*);            \
  template void batch_norm_backward_input(const CpuContext&, const BatchNormShape&, std::int64_t,  \
                                          const BatchNormGradient<T>&, const double*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
