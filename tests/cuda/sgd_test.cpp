#include "kernels/sgd.hpp"

#include <limits>
#include <utility>

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

using kernels::bfloat16;
using kernels::kSgdChunk;
using kernels::SgdChunk;
using SgdTensor = kernels::SgdTensor<float>;

constexpr float kLr = 0.02F, kMomentum = 0.9F, kWeightDecay = 5e-4F;

TEST(SgdChunks, CoverEveryParameterOnce) {
  const std::vector<std::int64_t> sizes{0, 1, kSgdChunk, kSgdChunk + 1};
  const std::vector<SgdChunk> chunks = kernels::sgd_chunks(sizes);
  ASSERT_EQ(chunks.size(), 4U);
  EXPECT_EQ(chunks[0].tensor, 1);
  EXPECT_EQ(chunks[1].tensor, 2);
  EXPECT_EQ(chunks[2].tensor, 3);
  EXPECT_EQ(chunks[2].begin, 0);
  EXPECT_EQ(chunks[3].tensor, 3);
  EXPECT_EQ(chunks[3].begin, kSgdChunk);
  EXPECT_TRUE(kernels::sgd_chunks({}).empty());
}

/// A parameter of n values; on the device its arrays begin `shift` values behind an allocation.
struct Parameter {
  std::int64_t n;
  std::int64_t shift = 0;
  bool has_grad = true;
  bool has_copy = true;
};

const std::vector<Parameter> kParameters{{1},
                                         {0},
                                         {2 * kSgdChunk + 7},
                                         {kSgdChunk, 0, true, false},
                                         {kSgdChunk + 1, 1},
                                         {500, 0, false},
                                         {130, 3, true, false}};

/// Values of a parameter's gradient (which = 0), velocity (1) and parameter (2) before the steps.
Tensor initial(std::size_t parameter, std::uint32_t which) {
  const auto [n, shift, has_grad, has_copy] = kParameters[parameter];
  return random_normal({n + shift}, 3 * static_cast<std::uint32_t>(parameter) + which);
}

/// Velocities, parameters and bfloat16 copies after two steps on the CPU.
std::vector<Tensor> steps_on_cpu() {
  std::vector<Tensor> grads, results;
  std::vector<SgdTensor> tensors;
  std::vector<std::int64_t> sizes;
  for (std::size_t k = 0; k < kParameters.size(); ++k) {
    const auto [n, shift, has_grad, has_copy] = kParameters[k];
    Tensor grad = initial(k, 0), velocity = initial(k, 1), value = initial(k, 2);
    tensors.push_back({has_grad ? grad.data<float>() + shift : nullptr,
                       velocity.data<float>() + shift, value.data<float>() + shift, nullptr, n});
    sizes.push_back(n);
    grads.push_back(grad);
    results.insert(results.end(), {velocity, value, Tensor::zeros(value.shape())});
  }
  const std::vector<SgdChunk> chunks = kernels::sgd_chunks(sizes);
  const double lr = kLr;
  for (int step = 0; step < 2; ++step) {
    kernels::sgd_step(cpu_context(), &lr, kMomentum, kWeightDecay, tensors.data(),
                      std::ssize(chunks), chunks.data(), nullptr);
  }
  for (std::size_t k = 0; k < kParameters.size(); ++k) {
    const auto [n, shift, has_grad, has_copy] = kParameters[k];
    Tensor copy = results[3 * k + 2];
    for (std::int64_t i = shift; has_grad && has_copy && i < n + shift; ++i) {
      copy.data<float>()[i] = static_cast<float>(bfloat16(results[3 * k + 1].data<float>()[i]));
    }
  }
  return results;
}

std::vector<Tensor> steps_on_device() {
  struct Arrays {
    DeviceArray<float> grad, velocity, value;
    DeviceArray<bfloat16> copy;
  };
  std::vector<Arrays> arrays;
  std::vector<SgdTensor> tensors;
  std::vector<std::int64_t> sizes;
  for (std::size_t k = 0; k < kParameters.size(); ++k) {
    const auto [n, shift, has_grad, has_copy] = kParameters[k];
    const std::vector<bfloat16> zeros(static_cast<std::size_t>(n + shift), bfloat16(0.0F));
    arrays.push_back({DeviceArray<float>(initial(k, 0)), DeviceArray<float>(initial(k, 1)),
                      DeviceArray<float>(initial(k, 2)), DeviceArray<bfloat16>(zeros)});
    Arrays& a = arrays.back();
    tensors.push_back({has_grad ? a.grad.get() + shift : nullptr, a.velocity.get() + shift,
                       a.value.get() + shift, has_copy ? a.copy.get() + shift : nullptr, n});
    sizes.push_back(n);
  }
  DeviceArray<SgdTensor> dev_tensors(tensors);
  DeviceArray<SgdChunk> chunks(kernels::sgd_chunks(sizes));
  DeviceArray<double> lr(std::vector<double>{kLr});
  for (int step = 0; step < 2; ++step) {
    kernels::sgd_step(cuda_test_context(), lr.get(), kMomentum, kWeightDecay, dev_tensors.get(),
                      chunks.size(), chunks.get(), nullptr);
  }
  std::vector<Tensor> results;
  for (const Arrays& a : arrays) {
    std::vector<float> copy;
    for (const bfloat16 x : a.copy.to_host()) copy.push_back(static_cast<float>(x));
    const Shape shape{a.value.size()};
    results.insert(results.end(), {a.velocity.to_tensor(shape), a.value.to_tensor(shape),
                                   Tensor::from(copy, shape)});
  }
  return results;
}

TEST(SgdCuda, EqualsTheCpuToTheBit) {
  const std::vector<Tensor> expected = steps_on_cpu();
  const std::vector<Tensor> results = on_device(steps_on_device);
  ASSERT_EQ(results.size(), expected.size());
  for (std::size_t k = 0; k < results.size(); ++k) {
    EXPECT_TRUE(same_bits(results[k], expected[k]))
        << "array " << k % 3 << " of parameter " << k / 3;
  }
}

TEST(SgdCuda, WithoutParametersDoesNothing) {
  DeviceArray<double> lr(std::vector<double>{kLr});
  kernels::sgd_step(cuda_test_context(), lr.get(), kMomentum, kWeightDecay,
                    static_cast<const SgdTensor*>(nullptr), 0, nullptr, nullptr);
}

/// Whether find_nonfinite finds something, and whether a step behind it changes the parameters,
/// where tensor `bad_tensor` has `value` as gradient number `bad_index`.
std::pair<bool, bool> find_and_step(std::size_t bad_tensor, std::int64_t bad_index, float value) {
  const std::vector<std::int64_t> sizes{3, 2 * kSgdChunk + 7};
  std::vector<DeviceArray<float>> grads, velocities, values;
  std::vector<SgdTensor> tensors;
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    Tensor grad = random_normal({sizes[k]}, static_cast<std::uint32_t>(k));
    if (k == bad_tensor) grad.data<float>()[bad_index] = value;
    grads.emplace_back(grad);
    velocities.emplace_back(Tensor::zeros({sizes[k]}));
    values.emplace_back(Tensor::zeros({sizes[k]}));
    tensors.push_back({grads[k].get(), velocities[k].get(), values[k].get(), nullptr, sizes[k]});
  }
  // Without a gradient there is nothing to find.
  tensors.push_back({nullptr, velocities[0].get(), values[0].get(), nullptr, sizes[0]});
  DeviceArray<SgdTensor> dev_tensors(tensors);
  DeviceArray<SgdChunk> chunks(kernels::sgd_chunks(std::vector{sizes[0], sizes[1], sizes[0]}));
  DeviceArray<std::int64_t> found(std::vector<std::int64_t>{0});
  kernels::find_nonfinite(cuda_test_context(), dev_tensors.get(), chunks.size(), chunks.get(),
                          found.get());
  DeviceArray<double> lr(std::vector<double>{kLr});
  kernels::sgd_step(cuda_test_context(), lr.get(), kMomentum, kWeightDecay, dev_tensors.get(),
                    chunks.size(), chunks.get(), found.get());
  bool changed = false;
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    for (const float x : values[k].to_host()) changed = changed || x != 0.0F;
  }
  return {found.to_host()[0] != 0, changed};
}

TEST(SgdCuda, AGradientThatIsNotFiniteChangesNothing) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(find_and_step(0, 1, 3.0F), std::pair(false, true));
  EXPECT_EQ(find_and_step(0, 2, nan), std::pair(true, false));
  EXPECT_EQ(find_and_step(1, 2 * kSgdChunk + 6, infinity), std::pair(true, false));
  EXPECT_EQ(find_and_step(1, kSgdChunk, -infinity), std::pair(true, false));
}

}  // namespace
}  // namespace bptplr
