// A group of one GPU: its calls change nothing, and are recorded like kernels. Groups of several
// are in tests/ranks.
#include "kernels/collectives.hpp"

#include <functional>
#include <numeric>

#include "kernels/device_graph.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/elementwise.hpp"
#include "tests/cuda/support.hpp"
#include "tests/device.hpp"

#if defined(BPTPLR_SIMT)
#include <nccl.h>
#endif

namespace bptplr {
namespace {

constexpr std::int64_t kCount = 1000;

class CollectivesCuda : public testing::Test {
 protected:
  void SetUp() override {
    if (!kernels::has_collectives()) GTEST_SKIP() << kernels::collectives_description();
    group_ = kernels::make_device_group(context(), kernels::make_group_id(), 0, 1);
  }

  static const kernels::CudaContext& context() { return cuda_context(test_device()); }

  static Tensor counted(DType dtype, Shape shape = {kCount}) {
    std::vector<double> values(static_cast<std::size_t>(numel(shape)));
    std::iota(values.begin(), values.end(), 0.1);
    return Tensor::from(values, std::move(shape)).to(dtype).to(test_device());
  }

  /// Calls `use` now, and again in a graph that is replayed twice.
  static void call_and_record(const std::function<void()>& use) {
    use();
    const auto graph = kernels::make_graph(context());
    graph->record(use);
    graph->replay();
    graph->replay();
  }

  std::unique_ptr<kernels::DeviceGroup> group_;
};

TEST_F(CollectivesCuda, GathersWhatIsThereAtEachReplay) {
  Tensor own = counted(DType::kFloat32);
  Tensor all = Tensor::zeros({1, kCount}, DType::kFloat32, test_device());
  const auto graph = kernels::make_graph(context());
  const auto gather = [&] { group_->all_gather(own.raw(), all.raw(), kCount * sizeof(float)); };
  gather();
  EXPECT_TRUE(same_bits(all.to(Device{}).reshape({kCount}), own.to(Device{})));
  graph->record(gather);
  for (const float factor : {2.0F, 3.0F}) {
    kernels::scale(context(), factor, own.data<float>(), own.data<float>(), kCount);
    graph->replay();
    EXPECT_TRUE(same_bits(all.to(Device{}).reshape({kCount}), own.to(Device{})));
  }
}

TEST_F(CollectivesCuda, SumsOfOneRankAreItsValues) {
  const Tensor doubles = counted(DType::kFloat64);
  const Tensor before = doubles.to(Device{}).clone();
  Tensor values = doubles;
  call_and_record([&] { group_->sum(values.data<double>(), kCount); });
  EXPECT_TRUE(same_bits(values.to(Device{}), before));
}

/// The sums beside leave the stream where they begin and join it again: what is queued meanwhile
/// goes on, what follows sees them.
TEST_F(CollectivesCuda, SumsBesideOtherWork) {
  const auto run = [&] {
    Tensor gradients = counted(DType::kFloat32);
    Tensor other = counted(DType::kFloat32);
    Tensor both = Tensor::zeros({kCount}, DType::kFloat32, test_device());
    call_and_record([&] {
      float* g = gradients.data<float>();
      kernels::scale(context(), 0.5F, g, g, kCount);
      group_->begin_sum(g, kCount / 2);
      kernels::scale(context(), 1.5F, other.data<float>(), other.data<float>(), kCount);
      group_->begin_sum(g + kCount / 2, kCount / 2);
      group_->finish_sums();
      kernels::add(context(), g, other.data<float>(), both.data<float>(), kCount);
    });
    return std::vector<Tensor>{both.to(Device{})};
  };
  const Tensor both = on_device(run).front();
  for (const std::int64_t i : {0, 7, 999}) {
    const auto value = static_cast<float>(static_cast<double>(i) + 0.1);
    EXPECT_FLOAT_EQ(both.data<float>()[i], value * (0.125F + 3.375F)) << i;
  }
}

TEST_F(CollectivesCuda, ARecordingWhoseSumsAreNotWaitedForIsRefused) {
  Tensor gradients = counted(DType::kFloat32);
  const auto graph = kernels::make_graph(context());
  EXPECT_THROW(graph->record([&] { group_->begin_sum(gradients.data<float>(), kCount); }),
               kernels::CudaError);
  group_->finish_sums();
  EXPECT_FLOAT_EQ(gradients.to(Device{}).data<float>()[0], 0.1F) << "the stream is in order again";
}

#if defined(BPTPLR_SIMT)
TEST_F(CollectivesCuda, SaysThatOtherRanksAreGone) {
  group_->check();
  simt::set_nccl_error(ncclRemoteError);
  try {
    group_->check();
    ADD_FAILURE() << "it must not go on";
  } catch (const kernels::CudaError& error) {
    EXPECT_NE(std::string(error.what()).find("remote process exited"), std::string::npos);
  }
  simt::set_nccl_error(ncclSuccess);
}

TEST_F(CollectivesCuda, WorkBesideThatNobodyJoinsIsLate) {
  cudaStream_t beside = nullptr;
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&beside, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
  int runs = 0;
  simt::queue(beside, [&] { ++runs; });
  EXPECT_EQ(runs, 0);
  cudaEventRecord(event, beside);
  simt::queue(beside, [&] { ++runs; });
  cudaStreamWaitEvent(nullptr, event, 0);
  EXPECT_EQ(runs, 1);
  cudaStreamSynchronize(beside);
  EXPECT_EQ(runs, 2);
  simt::begin_recording();
  EXPECT_THROW(simt::queue(beside, [] {}), simt::Error) << "it has not been forked";
  simt::end_recording();
  cudaEventDestroy(event);
  cudaStreamDestroy(beside);
}
#endif

}  // namespace
}  // namespace bptplr
