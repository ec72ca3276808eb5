#include "kernels/gmm.hpp"

#include <algorithm>
#include <limits>

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

using kernels::GmmOptions;
using kernels::GmmResult;
using kernels::GmmStatus;

constexpr double kTolerance = 1e-9;

/// Data sets one behind the other.
struct DataSets {
  std::vector<std::int64_t> offsets{0};
  std::vector<float> points;

  std::int64_t fits() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t rows() const { return offsets.back(); }
  void add(const std::vector<float>& set) {
    points.insert(points.end(), set.begin(), set.end());
    offsets.push_back(static_cast<std::int64_t>(points.size()) / 2);
  }
  std::vector<double> uniforms() const {
    Philox random(1, Purpose::kTest, 3);
    std::vector<double> values(static_cast<std::size_t>(fits() * kernels::kGmmUniforms));
    for (double& u : values) u = random.uniform_double();
    return values;
  }
};

/// Two fifths of the points around (0.7, 0.6), the others around (0.2, 0.25).
std::vector<float> two_clouds(std::int64_t n, std::uint32_t stream, double deviation) {
  const Tensor noise = random_normal({n, 2}, stream, deviation);
  std::vector<float> points(noise.data<float>(), noise.data<float>() + 2 * n);
  for (std::size_t i = 0; i < points.size(); i += 2) {
    points[i] += i % 5 < 2 ? 0.7F : 0.2F;
    points[i + 1] += i % 5 < 2 ? 0.6F : 0.25F;
  }
  return points;
}

/// Points of a grid of 8 x 8, each many times.
std::vector<float> heavy_ties(std::int64_t n, std::uint32_t stream) {
  std::vector<float> points = two_clouds(n, stream, 0.15);
  for (float& x : points) x = std::round(8.0F * x) / 8.0F;
  return points;
}

/// One of every kind; the sizes are around those of warps, of blocks and of what a thread loads.
DataSets one_of_each() {
  DataSets sets;
  sets.add({});
  sets.add({0.25F, 0.5F});
  sets.add({0.9F, 0.8F, 0.1F, 0.0F});
  sets.add(two_clouds(31, 1, 0.2));
  sets.add(two_clouds(1000, 2, 0.2));
  sets.add(two_clouds(5003, 3, 0.1));
  sets.add(std::vector<float>(2 * 700, 0.375F));
  std::vector<float> odd_one(2 * 700, 0.375F);
  odd_one[2 * 699] = 0.5F;
  sets.add(odd_one);
  std::vector<float> not_finite = two_clouds(600, 4, 0.2);
  not_finite[2 * 555 + 1] = std::numeric_limits<float>::quiet_NaN();
  sets.add(not_finite);
  not_finite[2 * 555 + 1] = -std::numeric_limits<float>::infinity();
  sets.add(not_finite);
  sets.add(heavy_ties(2049, 5));
  std::vector<float> far(two_clouds(1500, 6, 0.2));
  for (float& x : far) x = 1000.0F + 50.0F * x;
  sets.add(far);
  return sets;
}

constexpr std::int64_t kCounts = 4;                             // columns of counts_of
constexpr std::int64_t kParameters = 15;                        // columns of parameters_of
constexpr std::int64_t kGroups[] = {0, 2, 6, 14, kParameters};  // where each parameter begins

/// Status, iterations, converged, clean component of each fit.
Tensor counts_of(const std::vector<GmmResult>& results) {
  std::vector<double> values;
  for (const GmmResult& r : results) {
    values.insert(values.end(),
                  {static_cast<double>(r.status), static_cast<double>(r.n_iter),
                   static_cast<double>(r.converged), static_cast<double>(r.clean_component)});
  }
  return Tensor::from(values, {static_cast<std::int64_t>(results.size()), kCounts});
}

/// Weights, means, covariances, mean log-likelihood of each fit.
Tensor parameters_of(const std::vector<GmmResult>& results) {
  std::vector<double> values;
  for (const GmmResult& r : results) {
    values.insert(values.end(), r.weights, r.weights + 2);
    values.insert(values.end(), &r.means[0][0], &r.means[0][0] + 4);
    values.insert(values.end(), &r.covariances[0][0][0], &r.covariances[0][0][0] + 8);
    values.push_back(r.mean_log_likelihood);
  }
  return Tensor::from(values, {static_cast<std::int64_t>(results.size()), kParameters});
}

template <class T>
Tensor widened(const std::vector<T>& values) {
  return Tensor::from(std::vector<double>(values.begin(), values.end()),
                      {static_cast<std::int64_t>(values.size())});
}

/// What a fit gives: counts_of, parameters_of, posteriors of the clean component, of both.
enum Part { kCountsPart, kParametersPart, kClean, kBoth };

/// labels null: from k-means.
std::vector<Tensor> fit_on_cpu(const DataSets& sets, const GmmOptions& options,
                               const std::vector<std::uint8_t>* labels) {
  std::vector<GmmResult> results(static_cast<std::size_t>(sets.fits()));
  std::vector<double> clean(static_cast<std::size_t>(sets.rows()));
  std::vector<double> both(2 * clean.size());
  if (labels != nullptr) {
    kernels::gmm_fit_from_labels(cpu_context(), options, sets.fits(), sets.offsets.data(),
                                 sets.points.data(), labels->data(), results.data(), clean.data(),
                                 both.data());
  } else {
    kernels::gmm_fit(cpu_context(), options, sets.fits(), sets.offsets.data(), sets.points.data(),
                     sets.uniforms().data(), results.data(), clean.data(), both.data());
  }
  return {counts_of(results), parameters_of(results), widened(clean), widened(both)};
}

/// On the device, the points `shift` floats behind an aligned address.
std::vector<Tensor> fit_on_device(const DataSets& sets, const GmmOptions& options,
                                  const std::vector<std::uint8_t>* labels, std::int64_t shift = 0) {
  return on_device([&] {
    std::vector<float> shifted(static_cast<std::size_t>(shift));
    shifted.insert(shifted.end(), sets.points.begin(), sets.points.end());
    DeviceArray<float> points(shifted);
    DeviceArray<GmmResult> results(sets.fits());
    DeviceArray<double> clean(sets.rows());
    DeviceArray<double> both(2 * sets.rows());
    if (labels != nullptr) {
      DeviceArray<std::uint8_t> given(*labels);
      kernels::gmm_fit_from_labels(cuda_test_context(), options, sets.fits(), sets.offsets.data(),
                                   points.get() + shift, given.get(), results.get(), clean.get(),
                                   both.get());
    } else {
      DeviceArray<double> uniforms(sets.uniforms());
      kernels::gmm_fit(cuda_test_context(), options, sets.fits(), sets.offsets.data(),
                       points.get() + shift, uniforms.get(), results.get(), clean.get(),
                       both.get());
    }
    const std::vector<GmmResult> fits = results.to_host();
    return std::vector{counts_of(fits), parameters_of(fits), widened(clean.to_host()),
                       widened(both.to_host())};
  });
}

std::vector<std::uint8_t> labels_on_cpu(const DataSets& sets) {
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(sets.rows()));
  kernels::kmeans_labels(cpu_context(), sets.fits(), sets.offsets.data(), sets.points.data(),
                         sets.uniforms().data(), labels.data());
  return labels;
}

Tensor labels_on_device(const DataSets& sets) {
  return on_device([&] {
    DeviceArray<float> points(sets.points);
    DeviceArray<double> uniforms(sets.uniforms());
    DeviceArray<std::uint8_t> labels(sets.rows());
    kernels::kmeans_labels(cuda_test_context(), sets.fits(), sets.offsets.data(), points.get(),
                           uniforms.get(), labels.get());
    return std::vector{widened(labels.to_host())};
  })[0];
}

/// Columns [begin, end) of row k.
Tensor part_of(const Tensor& matrix, std::int64_t k, std::int64_t begin, std::int64_t end) {
  const double* row = matrix.data<double>() + k * matrix.size(1);
  return Tensor::from(std::vector<double>(row + begin, row + end), {end - begin});
}

void expect_equal(const DataSets& sets, const std::vector<Tensor>& device,
                  const std::vector<Tensor>& cpu) {
  EXPECT_TRUE(same_bits(device[kCountsPart], cpu[kCountsPart]));
  for (std::int64_t k = 0; k < sets.fits(); ++k) {
    SCOPED_TRACE(k);
    for (std::size_t g = 0; g + 1 < std::size(kGroups); ++g) {
      const auto group = [&](const std::vector<Tensor>& fits) {
        return part_of(fits[kParametersPart], k, kGroups[g], kGroups[g + 1]);
      };
      EXPECT_LT(relative_error(group(device), group(cpu)), kTolerance) << "group " << g;
    }
    for (const Part part : {kClean, kBoth}) {
      const auto rows = [&](const std::vector<Tensor>& fits) {
        const std::int64_t width = part == kBoth ? 2 : 1;
        return Tensor::from(
            std::vector<double>(fits[part].data<double>() + width * sets.offsets[k],
                                fits[part].data<double>() + width * sets.offsets[k + 1]),
            {width * (sets.offsets[k + 1] - sets.offsets[k])});
      };
      EXPECT_LT(relative_error(rows(device), rows(cpu)), kTolerance) << "posteriors " << part;
    }
  }
}

double count_of(const std::vector<Tensor>& fits, std::int64_t k, std::int64_t column) {
  return fits[kCountsPart].data<double>()[kCounts * k + column];
}

GmmStatus status_of(const std::vector<Tensor>& fits, std::int64_t k) {
  return static_cast<GmmStatus>(static_cast<std::int32_t>(count_of(fits, k, 0)));
}

bool converged(const std::vector<Tensor>& fits, std::int64_t k) {
  return count_of(fits, k, 2) != 0.0;
}

TEST(GmmCuda, EqualsTheCpuOnEveryKindOfDataSet) {
  const DataSets sets = one_of_each();
  const std::vector<Tensor> device = fit_on_device(sets, {}, nullptr);
  expect_equal(sets, device, fit_on_cpu(sets, {}, nullptr));
  const GmmStatus expected[] = {
      GmmStatus::kNoPoints,  GmmStatus::kOneCluster, GmmStatus::kOk,         GmmStatus::kOk,
      GmmStatus::kOk,        GmmStatus::kOk,         GmmStatus::kOneCluster, GmmStatus::kOk,
      GmmStatus::kNotFinite, GmmStatus::kNotFinite,  GmmStatus::kOk,         GmmStatus::kOk};
  for (std::int64_t k = 0; k < sets.fits(); ++k) EXPECT_EQ(status_of(device, k), expected[k]) << k;
}

TEST(GmmCuda, EndsEachFitWhereTheCpuEndsIt) {
  DataSets sets;
  sets.add(two_clouds(1000, 2, 0.2));
  sets.add(two_clouds(777, 7, 0.02));
  for (const GmmOptions& options : {GmmOptions{.max_iter = 0}, GmmOptions{.max_iter = 1},
                                    GmmOptions{.max_iter = 7, .tol = 1e-5}}) {
    const std::vector<Tensor> device = fit_on_device(sets, options, nullptr);
    expect_equal(sets, device, fit_on_cpu(sets, options, nullptr));
    EXPECT_FALSE(converged(device, 0));  // stopped by max_iter
    EXPECT_EQ(converged(device, 1), options.max_iter == 7);
  }
}

TEST(GmmCuda, EqualsTheCpuFromGivenLabels) {
  const DataSets sets = one_of_each();
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(sets.rows()));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i % 3 == 0 ? 1 : 0;
  expect_equal(sets, fit_on_device(sets, {}, &labels), fit_on_cpu(sets, {}, &labels));
}

TEST(GmmCuda, RepeatsFromTheLabelsOfKMeansToTheBit) {
  DataSets sets;
  sets.add(two_clouds(999, 8, 0.15));
  sets.add(two_clouds(64, 9, 0.15));
  const std::vector<std::uint8_t> labels = labels_on_cpu(sets);
  EXPECT_TRUE(same_bits(labels_on_device(sets), widened(labels)));
  const std::vector<Tensor> direct = fit_on_device(sets, {}, nullptr);
  const std::vector<Tensor> repeated = fit_on_device(sets, {}, &labels);
  for (std::size_t k = 0; k < direct.size(); ++k) EXPECT_TRUE(same_bits(direct[k], repeated[k]));
}

TEST(GmmCuda, ReadsPointsAtAnyAddress) {
  DataSets sets;
  sets.add(two_clouds(515, 10, 0.2));
  const std::vector<Tensor> aligned = fit_on_device(sets, {}, nullptr, 0);
  const std::vector<Tensor> unaligned = fit_on_device(sets, {}, nullptr, 1);
  for (std::size_t k = 0; k < aligned.size(); ++k) EXPECT_TRUE(same_bits(aligned[k], unaligned[k]));
}

TEST(GmmCuda, ReportsACollapsedCovariance) {
  DataSets sets;
  std::vector<float> on_a_line(20, 0.0F);
  for (std::size_t i = 0; i < 5; ++i) on_a_line[2 * i] = 1.0F;
  sets.add(on_a_line);
  sets.add(two_clouds(100, 11, 0.1));
  const GmmOptions options{.reg_covar = 0};
  const std::vector<Tensor> device = fit_on_device(sets, options, nullptr);
  expect_equal(sets, device, fit_on_cpu(sets, options, nullptr));
  EXPECT_EQ(status_of(device, 0), GmmStatus::kSingular);
  EXPECT_EQ(status_of(device, 1), GmmStatus::kOk);
}

TEST(GmmCuda, NeedsNoPosteriorsOfBothComponents) {
  DataSets sets;
  sets.add(two_clouds(100, 12, 0.1));
  sets.add({0.5F, 0.5F});
  DeviceArray<float> points(sets.points);
  DeviceArray<double> uniforms(sets.uniforms());
  DeviceArray<GmmResult> results(sets.fits());
  DeviceArray<double> clean(sets.rows());
  kernels::gmm_fit(cuda_test_context(), {}, sets.fits(), sets.offsets.data(), points.get(),
                   uniforms.get(), results.get(), clean.get(), nullptr);
  EXPECT_TRUE(same_bits(widened(clean.to_host()), fit_on_device(sets, {}, nullptr)[kClean]));
}

TEST(GmmCuda, FitsMoreDataSetsThanALaunchTakes) {
  DataSets sets;
  for (std::uint32_t k = 0; k < 34; ++k) {
    sets.add(k % 4 == 1 ? two_clouds(30 + k, 20 + k, 0.2) : two_clouds(1, 20 + k, 0.2));
  }
  expect_equal(sets, fit_on_device(sets, {.max_iter = 1}, nullptr),
               fit_on_cpu(sets, {.max_iter = 1}, nullptr));
  EXPECT_TRUE(same_bits(labels_on_device(sets), widened(labels_on_cpu(sets))));
}

/// Where both components are the same, each factor of a thread's product of 1 + ratio is 2: more
/// than a thousand of them are more than a double can hold.
TEST(GmmCuda, AddsUpTheLogLikelihoodOfManyPoints) {
  constexpr std::size_t kSet = 1000;
  constexpr std::size_t kCopies = 540;
  const std::vector<float> set = two_clouds(kSet, 14, 0.1);
  std::vector<float> points;
  std::vector<std::uint8_t> labels;
  for (std::size_t copy = 0; copy < kCopies; ++copy) {
    points.insert(points.end(), set.begin(), set.end());
    labels.insert(labels.end(), kSet, static_cast<std::uint8_t>(copy % 2));
  }
  DataSets sets;
  sets.add(points);
  const GmmOptions options{.max_iter = 1};
  const auto log_likelihood = [](const std::vector<Tensor>& fits) {
    return part_of(fits[kParametersPart], 0, kParameters - 1, kParameters);
  };
  EXPECT_LT(relative_error(log_likelihood(fit_on_device(sets, options, &labels)),
                           log_likelihood(fit_on_cpu(sets, options, &labels))),
            kTolerance);
}

TEST(GmmCuda, OfNoDataSetsDoesNothing) {
  const DataSets sets;
  EXPECT_EQ(fit_on_device(sets, {}, nullptr)[kCountsPart].numel(), 0);
  EXPECT_EQ(labels_on_device(sets).numel(), 0);
}

TEST(KMeansCuda, LabelsAreThoseOfTheCpu) {
  const DataSets sets = one_of_each();
  EXPECT_TRUE(same_bits(labels_on_device(sets), widened(labels_on_cpu(sets))));
}

/// The seeds are the outer points, and the two in the middle are equally far from both.
TEST(KMeansCuda, LabelsWhatIsEquallyNearZero) {
  DeviceArray<float> points(std::vector<float>{0.0F, 0.5F, 1.0F, 0.5F, 2.0F, 0.5F, 1.0F, 0.5F});
  DeviceArray<double> uniforms(std::vector<double>{0.0, 0.5, 0.5});
  DeviceArray<std::uint8_t> labels(4);
  const std::vector<std::int64_t> offsets{0, 4};
  kernels::kmeans_labels(cuda_test_context(), 1, offsets.data(), points.get(), uniforms.get(),
                         labels.get());
  EXPECT_EQ(labels.to_host(), (std::vector<std::uint8_t>{0, 0, 1, 0}));
}

/// Uniforms at both ends of [0, 1], the second trial's as well.
TEST(KMeansCuda, DrawsTheSeedsOfTheCpuFromAnyUniforms) {
  DataSets sets;
  std::vector<double> uniforms;
  for (const double u : {0.0, 1.0}) {
    for (const double v : {0.0, 1e-9, 0.4, 1.0}) {
      sets.add(two_clouds(83, 13, 0.2));
      uniforms.insert(uniforms.end(), {u, v, 1.0 - v});
    }
  }
  std::vector<std::uint8_t> expected(static_cast<std::size_t>(sets.rows()));
  kernels::kmeans_labels(cpu_context(), sets.fits(), sets.offsets.data(), sets.points.data(),
                         uniforms.data(), expected.data());
  const std::vector<Tensor> device = on_device([&] {
    DeviceArray<float> points(sets.points);
    DeviceArray<double> dev_uniforms(uniforms);
    DeviceArray<std::uint8_t> labels(sets.rows());
    kernels::kmeans_labels(cuda_test_context(), sets.fits(), sets.offsets.data(), points.get(),
                           dev_uniforms.get(), labels.get());
    return std::vector{widened(labels.to_host())};
  });
  EXPECT_TRUE(same_bits(device[0], widened(expected)));
}

}  // namespace
}  // namespace bptplr
