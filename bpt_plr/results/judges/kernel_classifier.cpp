#include "bpt_plr/results/judges/kernel_classifier.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "bpt_plr/results/judges/cholesky.hpp"
#include "engine/memory.hpp"
#include "engine/ops.hpp"
#include "engine/random.hpp"
#include "kernels/linear.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Samples whose kernels are computed at a time.
constexpr std::int64_t kBatch = 512;
/// Samples by which the median distance is estimated.
constexpr std::int64_t kMedianOf = 500;
/// Ridge, as a multiple of the kernels at the landmarks; and what is added to the diagonal, as a
/// share of its sum, because sums of products in float32 are that far from positive definite.
constexpr double kRidge = 1.0;
constexpr double kJitter = 2e-7;

using Indices = std::vector<std::int64_t>;

/// Computes kernels between samples and landmarks.
class Kernels {
 public:
  Kernels(const Split& split, std::span<const float> mean, std::span<const float> std,
          const Indices& landmarks)
      : split_(split), mean_(mean), std_(std), landmarks_(rows(landmarks)) {
    landmark_squares_ = squares(landmarks_);
  }

  std::int64_t count() const { return landmarks_.size(0); }

  void set_scale(const Indices& samples) {
    const Tensor distances = distances_of(samples);
    std::vector<float> all(distances.span<float>().begin(), distances.span<float>().end());
    const auto middle = all.begin() + std::ssize(all) / 2;
    std::ranges::nth_element(all, middle);
    scale_ = *middle > 0.0F ? -1.0F / *middle : -1.0F;
  }

  /// Returns k [samples, landmarks].
  Tensor of(std::span<const std::int64_t> samples) const {
    Tensor values = distances_of(samples);
    float* data = values.data<float>();
    kernels::parallel_for(values.numel(), kernels::kElementGrain,
                          [&](std::int64_t begin, std::int64_t end) {
                            for (std::int64_t i = begin; i < end; ++i) {
                              data[i] = std::exp(scale_ * data[i]);
                            }
                          });
    return values;
  }

 private:
  Tensor rows(std::span<const std::int64_t> samples) const {
    const std::int64_t dim = split_.values_per_sample();
    Tensor rows = Tensor::empty({std::ssize(samples), dim});
    kernels::parallel_for(std::ssize(samples), 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        split_.read_normalised(
            samples[static_cast<std::size_t>(i)], mean_, std_,
            std::span(rows.rows(i, i + 1).data<float>(), static_cast<std::size_t>(dim)));
      }
    });
    return rows;
  }

  static std::vector<double> squares(const Tensor& rows) {
    std::vector<double> sums;
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      const auto row = rows.rows(i, i + 1).span<float>();
      double sum = 0.0;
      for (const float value : row) sum += static_cast<double>(value) * static_cast<double>(value);
      sums.push_back(sum);
    }
    return sums;
  }

  /// Returns |a - b|^2 of samples and landmarks.
  Tensor distances_of(std::span<const std::int64_t> samples) const {
    const Tensor x = rows(samples);
    const std::vector<double> own = squares(x);
    Tensor distances = Tensor::empty({x.size(0), count()});
    kernels::linear_forward<kernels::CpuContext, float>(
        cpu_context(), {x.size(0), x.size(1), count()}, x.data<float>(), landmarks_.data<float>(),
        nullptr, distances.data<float>());
    for (std::int64_t i = 0; i < x.size(0); ++i) {
      float* row = distances.rows(i, i + 1).data<float>();
      for (std::int64_t l = 0; l < count(); ++l) {
        row[l] = static_cast<float>(std::max(
            0.0, own[static_cast<std::size_t>(i)] + landmark_squares_[static_cast<std::size_t>(l)] -
                     2.0 * static_cast<double>(row[l])));
      }
    }
    return distances;
  }

  const Split& split_;
  std::span<const float> mean_;
  std::span<const float> std_;
  Tensor landmarks_;
  std::vector<double> landmark_squares_;
  float scale_ = -1.0F;
};

/// Sums over the samples of one fold: K^T K [m, m] and K^T T [m, C].
struct FoldSums {
  std::vector<double> products;
  std::vector<double> targets;
};

/// Calls fn(samples) for batches of the samples.
template <class Fn>
void for_each_batch(std::span<const std::int64_t> samples, Fn&& fn) {
  for (std::int64_t first = 0; first < std::ssize(samples); first += kBatch) {
    fn(samples.subspan(static_cast<std::size_t>(first),
                       static_cast<std::size_t>(std::min(kBatch, std::ssize(samples) - first))));
  }
}

/// Returns the targets of samples, less the mean 1 / C.
Tensor centred(const Tensor& targets, std::span<const std::int64_t> samples) {
  const std::int64_t classes = targets.size(1);
  Tensor rows = Tensor::empty({std::ssize(samples), classes});
  float* to = rows.data<float>();
  for (const std::int64_t i : samples) {
    const Tensor row = targets.rows(i, i + 1);
    for (const float value : row.span<float>()) {
      *to++ = value - 1.0F / static_cast<float>(classes);
    }
  }
  return rows;
}

void add_to(std::vector<double>& sums, const Tensor& part, double factor = 1.0) {
  const auto values = part.span<float>();
  if (sums.empty()) sums.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    sums[i] += factor * static_cast<double>(values[i]);
}

/// Returns b^T a of a [n, in] and b [n, out]: [out, in].
Tensor product(const Tensor& a, const Tensor& b) {
  Tensor sums = Tensor::empty({b.size(1), a.size(1)});
  kernels::linear_backward_weights<kernels::CpuContext, float>(
      cpu_context(), {a.size(0), a.size(1), b.size(1)}, a.data<float>(), b.data<float>(),
      sums.data<float>(), nullptr);
  return sums;
}

FoldSums sums_of(const Kernels& kernels, const Tensor& targets, const Indices& samples,
                 const std::function<void(std::int64_t)>& passed) {
  FoldSums sums;
  for_each_batch(samples, [&](std::span<const std::int64_t> batch) {
    const Tensor k = kernels.of(batch);
    add_to(sums.products, product(k, k));
    add_to(sums.targets, product(centred(targets, batch), k));
    passed(std::ssize(batch));
  });
  return sums;
}

/// Returns the weights [C, m] of the regression on all folds but one.
Tensor weights_without(std::size_t left_out, std::span<const FoldSums> folds,
                       const std::vector<double>& ridge, std::int64_t m, std::int64_t classes) {
  std::vector<double> a = ridge;
  std::vector<double> b(static_cast<std::size_t>(m * classes));
  for (std::size_t fold = 0; fold < folds.size(); ++fold) {
    if (fold == left_out || folds[fold].products.empty()) continue;
    std::ranges::transform(a, folds[fold].products, a.begin(), std::plus<>());
    std::ranges::transform(b, folds[fold].targets, b.begin(), std::plus<>());
  }
  double trace = 0.0;
  for (std::int64_t i = 0; i < m; ++i) trace += a[static_cast<std::size_t>(i * m + i)];
  for (std::int64_t i = 0; i < m; ++i) a[static_cast<std::size_t>(i * m + i)] += kJitter * trace;
  const std::vector<double> solved = solve_positive(std::move(a), std::move(b), m, classes);
  Tensor weights = Tensor::empty({classes, m});
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t c = 0; c < classes; ++c) {
      weights.data<float>()[c * m + i] =
          static_cast<float>(solved[static_cast<std::size_t>(i * classes + c)]);
    }
  }
  return weights;
}

/// Writes the scores of samples by these weights.
void score(const Kernels& kernels, std::span<const std::int64_t> samples, const Tensor& weights,
           Tensor scores) {
  const Tensor k = kernels.of(samples);
  const Tensor out = linear(k, weights, {});
  for (std::int64_t i = 0; i < k.size(0); ++i) {
    const std::int64_t sample = samples[static_cast<std::size_t>(i)];
    scores.rows(sample, sample + 1).copy_from(out.rows(i, i + 1));
  }
}

}  // namespace

Tensor out_of_fold_scores(const Split& split, std::span<const float> mean,
                          std::span<const float> std, const Tensor& targets,
                          std::span<const std::int64_t> fold_of,
                          const KernelClassifierOptions& options,
                          const std::function<void(double share)>& progress) {
  const NoGrad no_grad;
  const std::int64_t samples = split.size();
  Indices drawn = Philox(options.seed, Purpose::kFolds, 1).permutation(samples);
  const Indices first(drawn.begin(), drawn.begin() + std::min(kMedianOf, samples));
  drawn.resize(static_cast<std::size_t>(std::min(kLandmarks, samples)));
  Kernels kernels(split, mean, std, drawn);
  kernels.set_scale(first);
  std::int64_t done = 0;
  const auto passed = [&](std::int64_t count) {
    done += count;
    if (progress) progress(static_cast<double>(done) / static_cast<double>(2 * samples));
  };

  std::vector<Indices> members(static_cast<std::size_t>(options.folds));
  for (std::size_t i = 0; i < fold_of.size(); ++i) {
    members[static_cast<std::size_t>(fold_of[i])].push_back(static_cast<std::int64_t>(i));
  }
  std::vector<FoldSums> folds;
  for (const Indices& of : members) folds.push_back(sums_of(kernels, targets, of, passed));
  std::vector<double> ridge;
  add_to(ridge, kernels.of(drawn), kRidge);

  Tensor scores = Tensor::empty({samples, targets.size(1)});
  for (std::size_t f = 0; f < members.size(); ++f) {
    const Tensor weights = weights_without(f, folds, ridge, kernels.count(), targets.size(1));
    for_each_batch(members[f], [&](std::span<const std::int64_t> batch) {
      score(kernels, batch, weights, scores);
      passed(std::ssize(batch));
    });
  }
  return scores;
}

}  // namespace bptplr
