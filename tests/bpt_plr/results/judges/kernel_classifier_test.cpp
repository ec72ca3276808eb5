#include "bpt_plr/results/judges/kernel_classifier.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bpt_plr/results/judges/cholesky.hpp"
#include "bpt_plr/results/judges/folds.hpp"
#include "engine/error.hpp"
#include "engine/random.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

TEST(Cholesky, SolvesWhatItIsGiven) {
  Philox random(1, Purpose::kTest);
  for (const std::int64_t n : {1, 3, 64, 65, 200}) {
    const auto size = static_cast<std::size_t>(n);
    std::vector<double> root(size * size);
    for (double& value : root) value = random.normal();
    std::vector<double> a(size * size);
    std::vector<double> x(size * 2);
    std::vector<double> b(size * 2);
    for (double& value : x) value = random.normal();
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) {
        for (std::size_t k = 0; k < size; ++k)
          a[i * size + j] += root[i * size + k] * root[j * size + k];
        if (i == j) a[i * size + j] += 1.0;
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t c = 0; c < 2; ++c) {
        for (std::size_t j = 0; j < size; ++j) b[i * 2 + c] += a[i * size + j] * x[j * 2 + c];
      }
    }
    const std::vector<double> solved = solve_positive(a, b, n, 2);
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(solved[i], x[i], 1e-6) << n;
  }
  EXPECT_THROW(solve_positive({1.0, 2.0, 2.0, 1.0}, {1.0, 1.0}, 2, 1), Error);
}

TEST(Folds, AreOfEqualSizeInEveryClass) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 103; ++i) labels.push_back(i % 4);
  const auto fold_of = folds_of(labels, 4, 5, 1);
  std::vector<std::vector<std::int64_t>> sizes(4, std::vector<std::int64_t>(5));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++sizes[static_cast<std::size_t>(labels[i])][static_cast<std::size_t>(fold_of[i])];
  }
  for (const auto& of_class : sizes) {
    EXPECT_LE(std::ranges::max(of_class) - std::ranges::min(of_class), 1);
  }
  EXPECT_NE(fold_of, folds_of(labels, 4, 5, 2));
  EXPECT_EQ(fold_of, folds_of(labels, 4, 5, 1));
}

/// Two clouds of vectors and their classes.
struct Clouds {
  Split split;
  std::vector<float> mean = {0.0F, 0.0F};
  std::vector<float> std = {1.0F, 1.0F};
  Tensor targets;
  std::vector<std::int64_t> fold_of;
};

Clouds clouds(std::int64_t count) {
  Philox random(2, Purpose::kTest);
  Clouds made;
  std::vector<float> values;
  made.targets = Tensor::zeros({count, 2});
  for (std::int64_t i = 0; i < count; ++i) {
    const float centre = i % 2 == 0 ? 2.0F : -2.0F;
    values.push_back(centre + static_cast<float>(random.normal()));
    values.push_back(static_cast<float>(random.normal()));
    made.targets.data<float>()[2 * i + i % 2] = 1.0F;
    made.fold_of.push_back(i / 2 % 3);
  }
  made.split.vectors = Vectors::in_memory(2, values);
  return made;
}

Tensor scores_of(const Clouds& of) {
  return out_of_fold_scores(of.split, of.mean, of.std, of.targets, of.fold_of, {3, 1});
}

/// The same with all kernels at once, by its definition.
Tensor by_definition(const Clouds& of) {
  const std::int64_t count = of.split.size();
  const auto x = reinterpret_cast<const float*>(of.split.vectors.bytes.data());
  std::vector<double> squares;
  const auto square = [&](std::int64_t i, std::int64_t j) {
    return std::pow(x[2 * i] - x[2 * j], 2.0) + std::pow(x[2 * i + 1] - x[2 * j + 1], 2.0);
  };
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = 0; j < count; ++j) squares.push_back(square(i, j));
  }
  std::ranges::nth_element(squares, squares.begin() + count * count / 2);
  const double median = squares[static_cast<std::size_t>(count * count / 2)];
  const auto kernel = [&](std::int64_t i, std::int64_t j) {
    return std::exp(-square(i, j) / median);
  };
  Tensor scores = Tensor::zeros({count, 2});
  for (std::int64_t fold = 0; fold < 3; ++fold) {
    std::vector<double> a(static_cast<std::size_t>(count * count));
    std::vector<double> b(static_cast<std::size_t>(2 * count));
    double trace = 0.0;
    for (std::int64_t p = 0; p < count; ++p) {
      for (std::int64_t q = 0; q < count; ++q) {
        double sum = kernel(p, q);
        for (std::int64_t i = 0; i < count; ++i) {
          if (of.fold_of[static_cast<std::size_t>(i)] != fold) sum += kernel(i, p) * kernel(i, q);
        }
        a[static_cast<std::size_t>(p * count + q)] = sum;
        if (p == q) trace += sum;
      }
      for (std::int64_t i = 0; i < count; ++i) {
        if (of.fold_of[static_cast<std::size_t>(i)] == fold) continue;
        for (std::int64_t c = 0; c < 2; ++c) {
          b[static_cast<std::size_t>(2 * p + c)] +=
              kernel(i, p) * (of.targets.data<float>()[2 * i + c] - 0.5);
        }
      }
    }
    for (std::int64_t p = 0; p < count; ++p) {
      a[static_cast<std::size_t>(p * count + p)] += 2e-7 * trace;
    }
    const auto weights = solve_positive(a, b, count, 2);
    for (std::int64_t i = 0; i < count; ++i) {
      if (of.fold_of[static_cast<std::size_t>(i)] != fold) continue;
      for (std::int64_t p = 0; p < count; ++p) {
        for (std::int64_t c = 0; c < 2; ++c) {
          scores.data<float>()[2 * i + c] +=
              static_cast<float>(kernel(i, p) * weights[static_cast<std::size_t>(2 * p + c)]);
        }
      }
    }
  }
  return scores;
}

TEST(KernelClassifier, IsTheRegressionOnTheOtherFolds) {
  const Clouds of = clouds(60);
  EXPECT_LT(relative_error(scores_of(of), by_definition(of)), 1e-3);
}

TEST(KernelClassifier, DoesNotLearnALabelFromItself) {
  Clouds of = clouds(300);
  // One sample of each cloud is labelled as the other.
  for (const std::int64_t i : {10, 11}) {
    std::swap(of.targets.data<float>()[2 * i], of.targets.data<float>()[2 * i + 1]);
  }
  const Tensor scores = scores_of(of);
  for (const std::int64_t i : {10, 11}) {
    const float* row = scores.data<float>() + 2 * i;
    const float x = reinterpret_cast<const float*>(of.split.vectors.bytes.data())[2 * i];
    EXPECT_EQ(row[0] > row[1], x > 0.0F) << i;
  }
}

TEST(KernelClassifier, DoesNotDependOnThreads) {
  const Clouds of = clouds(200);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const Tensor one = scores_of(of);
  omp_set_num_threads(3);
  EXPECT_EQ(relative_error(scores_of(of), one), 0.0);
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace bptplr
