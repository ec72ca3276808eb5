// What depends on the GPU besides time: shared memory, the number of multiprocessors, memory. Each
// kernel whose shared memory is large, or grows with the shape, fits, does without, or says why
// not.
#include "tests/simt/gpus.hpp"

#include "kernels/cuda/conv2d/tensor_core.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gmm.hpp"
#include "kernels/losses.hpp"
#include "kernels/plr.hpp"
#include "kernels/prototypes.hpp"
#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

using kernels::bfloat16;

__global__ void empty_kernel() {}

TEST(Gpus, ABlockCannotHaveMoreSharedMemoryThanThereIs) {
  for (const simt::Gpu& gpu : kGpus) {
    const SimulatedGpu simulated(gpu);
    const std::size_t limit = kernels::dynamic_shared_limit(empty_kernel);
    EXPECT_EQ(limit, gpu.shared_bytes - simt::kStaticSharedBytes);
    kernels::launch(cuda_test_context(), {dim3(1), dim3(1), limit}, empty_kernel);
    EXPECT_THROW(simt::launch(dim3(1), dim3(1), limit + 1, [] {}), simt::Error);
    try {
      kernels::launch(cuda_test_context(), {dim3(1), dim3(1), limit + 1}, empty_kernel);
      ADD_FAILURE();
    } catch (const kernels::CudaError& error) {
      EXPECT_NE(std::string(error.what()).find("KiB of shared memory a block, and this GPU has"),
                std::string::npos)
          << error.what();
    }
  }
}

/// The loss of so many classes; a block has eight rows of them.
void losses_of(std::int64_t classes) {
  DeviceArray<float> logits(random_normal({2, classes}, 1)),
      targets(random_normal({2, classes}, 2)), loss(1), terms(3), grad(2 * classes);
  DeviceArray<kernels::SemiSupervisedCoefficients> coefficients(
      std::vector<kernels::SemiSupervisedCoefficients>{{}});
  kernels::semi_supervised_loss(cuda_test_context(), {1, 1, classes}, coefficients.get(),
                                logits.get(), targets.get(), loss.get(), terms.get(), grad.get());
}

TEST(Gpus, LossesOfManyClassesFitOrSayWhyNot) {
  for (const simt::Gpu& gpu : kGpus) {
    const SimulatedGpu simulated(gpu);
    EXPECT_NO_THROW(losses_of(3000));
    const bool fits = 7000 * 32 + simt::kStaticSharedBytes <= gpu.shared_bytes;
    if (fits) {
      EXPECT_NO_THROW(losses_of(7000));
    } else {
      EXPECT_THROW(losses_of(7000), kernels::CudaError);
    }
  }
}

void contrastive_loss_of(std::int64_t samples) {
  constexpr std::int64_t kDim = 129;  // two slabs
  DeviceArray<float> features(random_normal({2 * samples, kDim}, 1)), loss(1),
      grad(2 * samples * kDim);
  kernels::contrastive_loss(cuda_test_context(), kernels::ContrastiveLoss::kPlr, {samples, kDim, 0},
                            1.0, features.get(), nullptr, loss.get(), grad.get(), nullptr);
}

void prototypes_of(std::int64_t dim, std::int64_t classes) {
  DeviceArray<float> features(random_normal({4, dim}, 1)), prototypes(classes * dim);
  DeviceArray<std::int64_t> labels(std::vector<std::int64_t>{0, 1, 0, 1}), counts(classes);
  kernels::class_means(cuda_test_context(), {4, dim, classes}, features.get(), labels.get(),
                       prototypes.get(), counts.get());
}

void mixture() {
  DeviceArray<float> points(random_normal({64, 2}, 1));
  const std::vector<std::int64_t> offsets{0, 64};
  DeviceArray<double> uniforms(std::vector<double>(kernels::kGmmUniforms, 0.5)), clean(64);
  DeviceArray<kernels::GmmResult> results(1);
  kernels::gmm_fit(cuda_test_context(), {}, 1, offsets.data(), points.get(), uniforms.get(),
                   results.get(), clean.get(), nullptr);
}

/// Every tiling but those of warp groups, which only a Hopper has.
void convolutions() {
  constexpr kernels::Conv2dShape kShape{1, 3, 3, 8, 8, 3, 1, 1};
  DeviceArray<bfloat16> x(std::vector<bfloat16>(72, bfloat16(1.0F))),
      w(std::vector<bfloat16>(8 * 8 * 9, bfloat16(1.0F))), y(72);
  DeviceArray<float> dw(8 * 8 * 9);
  for (int tiling = 0; tiling < kernels::kGatherTilings; ++tiling) {
    kernels::tensor_core_forward(cuda_test_context(), kShape, tiling, x.get(), w.get(), y.get());
    kernels::tensor_core_backward_data(cuda_test_context(), kShape, tiling, x.get(), w.get(),
                                       y.get());
  }
  for (int tiling = 0; tiling < kernels::kWeightsTilings; ++tiling) {
    kernels::tensor_core_backward_weights(cuda_test_context(), kShape, tiling, x.get(), y.get(),
                                          dw.get());
  }
}

TEST(Gpus, TheOtherKernelsFitEverywhere) {
  for (const simt::Gpu& gpu : kGpus) {
    const SimulatedGpu simulated(gpu);
    EXPECT_NO_THROW(contrastive_loss_of(5));    // tiles of 32 x 32
    EXPECT_NO_THROW(contrastive_loss_of(320));  // of 64 x 64
    EXPECT_NO_THROW(prototypes_of(8192, 130));
    EXPECT_NO_THROW(mixture());
    EXPECT_NO_THROW(convolutions());
  }
}

TEST(Gpus, ResultsDoNotDependOnTheNumberOfMultiprocessors) {
  const Tensor x = random_normal({60'001}, 1);
  for (const int multiprocessors : {1, 7}) {
    const SimulatedGpu simulated({9, 0, multiprocessors});
    DeviceArray<float> values(x);
    kernels::scale(cuda_test_context(), 2.0, values.get(), values.get(), 60'001);
    const std::vector<float> scaled = values.to_host();
    for (std::size_t i = 0; i < scaled.size(); ++i) {
      ASSERT_EQ(scaled[i], 2.0F * x.data<float>()[i]);
    }
  }
}

}  // namespace
}  // namespace bptplr
