// PLR on the CPU, arranged as flash attention is: similarities are computed in tiles of kRows
// anchors by kColumns others, twice, and never stored.
//
//   pass 1  L_i = log sum exp of s_ij over the negatives of i (and the positive, for kPlr), with a
//           running maximum.
//   pass 2  With A the number of anchors that count and p_ij = exp(s_ij - L_i),
//             d loss / d s_ij    = p_ij / A                 for negatives j of i,
//             d loss / d s_i,pos = (p_i,pos - 1) / A        for kPlr,
//                                = -1 / A                   for kFlatPlr if i has a negative.
//           f_i occurs in s_ij and in s_ji, and "negative of" and "positive of" are symmetric, so
//             grad_i = 1/(A tau) [ sum_{j negative of i} (p_ij + p_ji) f_j
//                                  + (slope_i + slope_pos) f_pos ],
//           which every anchor computes for itself: nothing is scattered, nothing needs an order.
#include "kernels/plr.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/fast_exp.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

constexpr std::int64_t kRows = 4;
constexpr std::int64_t kColumns = 32;

template <class T>
constexpr T kLeftOut = -std::numeric_limits<T>::infinity();

std::int64_t round_up(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// out[r][c] += sum_k a[r][k] b[k][c] for a tile of kRows x kColumns: the one inner loop of both
/// passes. The sums run in registers, over k in order.
template <class T>
void tile_multiply_add(const T* a, std::int64_t stride_a, const T* b, std::int64_t stride_b,
                       std::int64_t depth, T* out, std::int64_t stride_out) {
  T sum[kRows][kColumns];
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (std::int64_t c = 0; c < kColumns; ++c) sum[r][c] = out[r * stride_out + c];
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t r = 0; r < kRows; ++r) {
      const T factor = a[r * stride_a + k];
      for (std::int64_t c = 0; c < kColumns; ++c) sum[r][c] += factor * b[k * stride_b + c];
    }
  }
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (std::int64_t c = 0; c < kColumns; ++c) out[r * stride_out + c] = sum[r][c];
  }
}

/// The anchors, padded with zeros to whole tiles, and what is known of each.
template <class T>
struct Anchors {
  std::int64_t count;
  std::int64_t padded_count;
  std::int64_t dim;
  std::int64_t padded_dim;
  std::int64_t words;
  T inverse_tau;
  T* rows;              // [padded_count, padded_dim]
  T* columns;           // [padded_count / kColumns, dim, kColumns]: the features transposed
  std::uint64_t* sets;  // [words, padded_count]
  T* positive;          // [padded_count] s_i,pos
  T* log_sum;           // [padded_count] L_i
  T* gradient;          // [padded_count, padded_dim]

  std::int64_t positive_of(std::int64_t i) const {
    return i < count / 2 ? i + count / 2 : i - count / 2;
  }
};

template <class T>
Anchors<T> lay_out(const CpuContext& ctx, const ContrastiveShape& shape, double tau,
                   bool has_sets) {
  Anchors<T> a{};
  a.count = 2 * shape.samples;
  a.padded_count = round_up(a.count, kColumns);
  a.dim = shape.dim;
  a.padded_dim = round_up(shape.dim, kColumns);
  a.words = has_sets ? shape.words : 0;
  a.inverse_tau = static_cast<T>(1.0 / tau);
  // The sets come first: their words are at least as strictly aligned as any T.
  const std::int64_t set_bytes = a.words * a.padded_count * std::int64_t{sizeof(std::uint64_t)};
  const std::int64_t values =
      2 * a.padded_count * a.padded_dim + a.padded_count * a.dim + 2 * a.padded_count;
  char* memory = ctx.scratch<char>(set_bytes + values * std::int64_t{sizeof(T)});
  a.sets = reinterpret_cast<std::uint64_t*>(memory);
  a.rows = reinterpret_cast<T*>(memory + set_bytes);
  a.gradient = a.rows + a.padded_count * a.padded_dim;
  a.columns = a.gradient + a.padded_count * a.padded_dim;
  a.positive = a.columns + a.padded_count * a.dim;
  a.log_sum = a.positive + a.padded_count;
  return a;
}

/// Fills rows, columns, sets and positive.
template <class T>
void pack(const Anchors<T>& a, const T* features, const std::uint64_t* class_sets) {
  std::fill(a.rows, a.rows + a.padded_count * a.padded_dim, T{0});
  std::fill(a.gradient, a.gradient + a.padded_count * a.padded_dim, T{0});
  std::fill(a.columns, a.columns + a.padded_count * a.dim, T{0});
  std::fill(a.sets, a.sets + a.words * a.padded_count, std::uint64_t{0});
  for (std::int64_t i = 0; i < a.count; ++i) {
    const T* f = features + i * a.dim;
    const T* other = features + a.positive_of(i) * a.dim;
    std::copy(f, f + a.dim, a.rows + i * a.padded_dim);
    T* column = a.columns + i / kColumns * kColumns * a.dim + i % kColumns;
    double dot = 0;
    for (std::int64_t d = 0; d < a.dim; ++d) {
      column[d * kColumns] = f[d];
      dot += static_cast<double>(f[d]) * static_cast<double>(other[d]);
    }
    a.positive[i] = static_cast<T>(dot) * a.inverse_tau;
    for (std::int64_t w = 0; w < a.words; ++w) {
      a.sets[w * a.padded_count + i] = class_sets[i % (a.count / 2) * a.words + w];
    }
  }
  std::fill(a.positive + a.count, a.positive + a.padded_count, T{0});
}

/// s_ij of the anchors i0.. with the anchors j0.., kLeftOut where j is no negative of i.
template <class T>
void similarity_tile(const Anchors<T>& a, std::int64_t i0, std::int64_t j0, T* s) {
  std::fill(s, s + kRows * kColumns, T{0});
  tile_multiply_add(a.rows + i0 * a.padded_dim, a.padded_dim, a.columns + j0 * a.dim, kColumns,
                    a.dim, s, kColumns);
  for (std::int64_t r = 0; r < kRows; ++r) {
    std::uint64_t shared[kColumns];
    for (std::int64_t c = 0; c < kColumns; ++c) shared[c] = j0 + c >= a.count ? 1 : 0;
    for (std::int64_t w = 0; w < a.words; ++w) {
      const std::uint64_t* sets = a.sets + w * a.padded_count;
      for (std::int64_t c = 0; c < kColumns; ++c) shared[c] |= sets[i0 + r] & sets[j0 + c];
    }
    // Without class sets only the own sample is left out.
    for (const std::int64_t own : {i0 + r, a.positive_of(i0 + r)}) {
      if (own >= j0 && own < j0 + kColumns) shared[own - j0] = 1;
    }
    T* row = s + r * kColumns;
    for (std::int64_t c = 0; c < kColumns; ++c) {
      row[c] = shared[c] != 0 ? kLeftOut<T> : row[c] * a.inverse_tau;
    }
  }
}

/// Pass 1 for the anchors i0..i0+kRows.
template <class T>
void log_sums(const Anchors<T>& a, ContrastiveLoss kind, std::int64_t i0, std::int64_t* negatives) {
  T maximum[kRows];
  double sum[kRows];
  std::int64_t found[kRows] = {};
  for (std::int64_t r = 0; r < kRows; ++r) {
    const bool with_positive = kind == ContrastiveLoss::kPlr;
    maximum[r] = with_positive ? a.positive[i0 + r] : kLeftOut<T>;
    sum[r] = with_positive ? 1 : 0;
  }
  for (std::int64_t j0 = 0; j0 < a.padded_count; j0 += kColumns) {
    T s[kRows * kColumns];
    similarity_tile(a, i0, j0, s);
    for (std::int64_t r = 0; r < kRows; ++r) {
      T* row = s + r * kColumns;
      std::int64_t here = 0;  // with those that are NaN, which must reach the loss
      for (std::int64_t c = 0; c < kColumns; ++c) here += row[c] != kLeftOut<T> ? 1 : 0;
      if (here == 0) continue;
      found[r] += here;
      T largest = maximum[r];
      for (std::int64_t c = 0; c < kColumns; ++c) largest = row[c] > largest ? row[c] : largest;
      if (largest > maximum[r]) {
        sum[r] *= std::exp(static_cast<double>(maximum[r]) - static_cast<double>(largest));
        maximum[r] = largest;
      }
      for (std::int64_t c = 0; c < kColumns; ++c) row[c] = fast_exp(row[c] - largest);
      for (std::int64_t c = 0; c < kColumns; ++c) sum[r] += static_cast<double>(row[c]);
    }
  }
  for (std::int64_t r = 0; r < kRows; ++r) {
    a.log_sum[i0 + r] =
        static_cast<T>(static_cast<double>(maximum[r]) + std::log(sum[r]));  // -inf if none
    if (negatives != nullptr && i0 + r < a.count) negatives[i0 + r] = found[r];
  }
}

/// Pass 2 for the anchors i0..i0+kRows, up to the factor 1/(A tau).
template <class T>
void gradients(const Anchors<T>& a, ContrastiveLoss kind, std::int64_t i0) {
  T* gradient = a.gradient + i0 * a.padded_dim;
  for (std::int64_t j0 = 0; j0 < a.padded_count; j0 += kColumns) {
    T s[kRows * kColumns];
    similarity_tile(a, i0, j0, s);
    for (std::int64_t r = 0; r < kRows; ++r) {
      T* row = s + r * kColumns;
      for (std::int64_t c = 0; c < kColumns; ++c) {
        const T both = fast_exp(row[c] - a.log_sum[i0 + r]) + fast_exp(row[c] - a.log_sum[j0 + c]);
        row[c] = row[c] == kLeftOut<T> ? T{0} : both;
      }
    }
    for (std::int64_t d0 = 0; d0 < a.padded_dim; d0 += kColumns) {
      tile_multiply_add(s, kColumns, a.rows + j0 * a.padded_dim + d0, a.padded_dim, kColumns,
                        gradient + d0, a.padded_dim);
    }
  }
  for (std::int64_t r = 0; r < kRows && i0 + r < a.count; ++r) {
    const std::int64_t i = i0 + r;
    const std::int64_t other = a.positive_of(i);
    // Both views of a sample have the same negatives, so both count or neither.
    if (a.log_sum[i] == kLeftOut<T>) continue;
    const T slopes = kind == ContrastiveLoss::kPlr
                         ? std::expm1(a.positive[i] - a.log_sum[i]) +
                               std::expm1(a.positive[other] - a.log_sum[other])
                         : T{-2};
    for (std::int64_t d = 0; d < a.dim; ++d) {
      gradient[r * a.padded_dim + d] += slopes * a.rows[other * a.padded_dim + d];
    }
  }
}

}  // namespace

template <>
void class_sets(const CpuContext& /*ctx*/, std::int64_t rows, std::int64_t classes,
                std::int64_t kappa, const float* logits, const std::int64_t* labels,
                std::uint64_t* sets) {
  const std::int64_t words = class_set_words(classes);
  const auto bit = [](std::int64_t c) {
    return std::uint64_t{1} << (static_cast<std::uint64_t>(c) % 64);
  };
  parallel_for(rows, std::max<std::int64_t>(1, 4096 / classes), [&](auto begin, auto end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::uint64_t* set = sets + i * words;
      const float* z = logits + i * classes;
      std::fill(set, set + words, std::uint64_t{0});
      for (std::int64_t rank = 0; rank < std::min(kappa, classes); ++rank) {
        std::int64_t best = -1;
        for (std::int64_t c = 0; c < classes; ++c) {
          if ((best < 0 || z[c] > z[best]) && (set[c / 64] & bit(c)) == 0) best = c;
        }
        set[best / 64] |= bit(best);
      }
      set[labels[i] / 64] |= bit(labels[i]);
    }
  });
}

template <class Context, class T>
void contrastive_loss(const Context& ctx, ContrastiveLoss kind, const ContrastiveShape& shape,
                      double tau, const T* features, const std::uint64_t* class_sets, T* loss,
                      T* grad, std::int64_t* negatives) {
  *loss = T{0};
  if (shape.samples == 0) return;
  const Anchors<T> a = lay_out<T>(ctx, shape, tau, class_sets != nullptr);
  pack(a, features, class_sets);
  parallel_for(a.padded_count, kRows,
               [&](std::int64_t i0, std::int64_t) { log_sums(a, kind, i0, negatives); });
  parallel_for(a.padded_count, kRows,
               [&](std::int64_t i0, std::int64_t) { gradients(a, kind, i0); });

  double total = 0;
  std::int64_t counted = 0;
  for (std::int64_t i = 0; i < a.count; ++i) {
    if (a.log_sum[i] == kLeftOut<T>) continue;
    ++counted;
    const double v = static_cast<double>(a.log_sum[i]) - static_cast<double>(a.positive[i]);
    // exp(v - v) is 1, but NaN where v is: that must be seen.
    total += kind == ContrastiveLoss::kPlr ? v : std::exp(v - v);
  }
  if (counted > 0) *loss = static_cast<T>(total / static_cast<double>(counted));
  const T scale = counted > 0 ? static_cast<T>(1.0 / (static_cast<double>(counted) * tau)) : T{0};
  for (std::int64_t i = 0; i < a.count; ++i) {
    const T* from = a.gradient + i * a.padded_dim;
    for (std::int64_t d = 0; d < a.dim; ++d) grad[i * a.dim + d] = scale * from[d];
  }
}

template void contrastive_loss(const CpuContext&, ContrastiveLoss, const ContrastiveShape&, double,
                               const float*, const std::uint64_t*, float*, float*, std::int64_t*);
template void contrastive_loss(const CpuContext&, ContrastiveLoss, const ContrastiveShape&, double,
                               const double*, const std::uint64_t*, double*, double*,
                               std::int64_t*);

}  // namespace bptplr::kernels
