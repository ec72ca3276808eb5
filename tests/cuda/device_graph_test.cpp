#include "kernels/device_graph.hpp"

#include <map>

#include "engine/optimizer.hpp"
#include "kernels/cuda/runtime/graph_memory.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/mixup.hpp"
#include "tests/cuda/support.hpp"
#include "tests/device.hpp"

namespace bptplr {
namespace {

const kernels::CudaContext& context() {
  return cuda_context(test_device());
}

Tensor on_device(const std::vector<double>& values) {
  return Tensor::from(values, {std::ssize(values)}).to(test_device());
}

std::vector<float> values_of(const Tensor& tensor) {
  const Tensor here = tensor.to(Device{});
  return {here.span<float>().begin(), here.span<float>().end()};
}

TEST(DeviceGraph, RecordsWithoutRunningAndReplaysWithWhatIsThereThen) {
  Tensor x = Tensor::full({3}, 1.0, DType::kFloat32, test_device());
  Tensor y = Tensor::zeros({3}, DType::kFloat32, test_device());
  const auto graph = kernels::make_graph(context());
  graph->record([&] {
    // Two temporary results, the second in the memory of the first.
    for (int i = 0; i < 2; ++i) {
      Tensor twice = Tensor::empty_like(x);
      kernels::scale(context(), 2.0F, x.data<float>(), twice.data<float>(), 3);
      kernels::add(context(), y.data<float>(), twice.data<float>(), y.data<float>(), 3);
    }
  });
  EXPECT_EQ(values_of(y), std::vector<float>(3, 0.0F));
  graph->replay();
  EXPECT_EQ(values_of(y), std::vector<float>(3, 4.0F));
  x.copy_from(Tensor::full({3}, 10.0));
  graph->replay();
  EXPECT_EQ(values_of(y), std::vector<float>(3, 44.0F));
}

TEST(DeviceGraph, NumbersInDeviceMemoryMayChange) {
  const Tensor a = Tensor::from(std::vector<float>{0.0F, 8.0F}, {2, 1}).to(test_device());
  const Tensor perm = Tensor::from(std::vector<std::int64_t>{1, 0}, {2}).to(test_device());
  Tensor l = on_device({1.0});
  Tensor out = Tensor::zeros({2, 1}, DType::kFloat32, test_device());
  const auto graph = kernels::make_graph(context());
  graph->record([&] {
    kernels::mixup(context(), 2, 1, l.data<double>(), a.data<float>(), a.data<float>(),
                   perm.data<std::int64_t>(), out.data<float>());
  });
  for (const double weight : {0.75, 0.5}) {
    l.copy_from(on_device({weight}));
    graph->replay();
    EXPECT_EQ(values_of(out)[1], 8.0F * static_cast<float>(weight));
  }
}

TEST(DeviceGraph, MemoryThatWorkLeavesBehindBelongsToTheGraph) {
  const Tensor x = Tensor::full({5}, 3.0, DType::kFloat32, test_device());
  Tensor result;
  const auto graph = kernels::make_graph(context());
  graph->record([&] {
    result = Tensor::empty_like(x);
    kernels::scale(context(), 2.0F, x.data<float>(), result.data<float>(), 5);
  });
  graph->replay();
  EXPECT_EQ(values_of(result), std::vector<float>(5, 6.0F));
  result = Tensor();
}

/// The optimiser's list of gradients, parameters and so on is device memory, too, and a step with
/// other gradients needs another one.
TEST(DeviceGraph, ReplaysAnOptimisersStepBehindAnotherOne) {
  std::vector<Tensor> parameters;
  for (int i = 0; i < 2; ++i) {
    parameters.push_back(Tensor::full({3}, 1.0, DType::kFloat32, test_device()));
    parameters.back().set_requires_grad(true);
  }
  Sgd optimizer(parameters, 0.0, 0.0);
  const Tensor lr = on_device({0.25});
  const auto give_gradients = [&] {
    for (Tensor& p : parameters) {
      p.mutable_grad() = Tensor::full({3}, 1.0, DType::kFloat32, test_device());
    }
  };
  give_gradients();
  const std::vector<Tensor> kept{parameters[0].grad(), parameters[1].grad()};  // at their addresses
  optimizer.step(lr);                                                          // 0.75
  const auto graph = kernels::make_graph(context());
  graph->record([&] { optimizer.step(lr); });
  graph->replay();  // 0.5
  parameters[1].mutable_grad() = Tensor();
  optimizer.step(lr);  // 0.25, and 0.5 without a gradient
  graph->replay();     // 0, and 0.25
  EXPECT_EQ(values_of(parameters[0]), std::vector<float>(3, 0.0F));
  EXPECT_EQ(values_of(parameters[1]), std::vector<float>(3, 0.25F));
}

TEST(DeviceGraph, WhatWaitsOrCopiesFromTheHostIsRefused) {
  const Tensor x = Tensor::full({1}, 3.0, DType::kFloat32, test_device());
  const auto refused = [&](const std::function<void()>& work, const char* why) {
    try {
      kernels::make_graph(context())->record(work);
      ADD_FAILURE() << why;
    } catch (const kernels::CudaError& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
    EXPECT_EQ(x.item(), 3.0);  // the stream is in order again
  };
  refused([&] { x.item(); }, "copied from the device");
  refused([&] { x.to(Device{}).to(test_device()); }, "copied from the device");
  refused([&] { on_device({1.0}); }, "copied to the device");
  refused([&] { kernels::synchronize(context()); }, "waited for");
}

/// The library calls within work may spoil a recording without saying so. What work has kept is
/// then in memory of a graph that is of no use, but still there.
TEST(DeviceGraph, MemoryThatWorkLeavesBehindOutlivesAFailedRecording) {
  const Tensor x = Tensor::full({5}, 3.0, DType::kFloat32, test_device());
  const auto graph = kernels::make_graph(context());
  Tensor result;
  try {
    graph->record([&] {
      result = Tensor::empty_like(x);
      kernels::scale(context(), 2.0F, x.data<float>(), result.data<float>(), 5);
      cudaStreamSynchronize(kernels::stream_of(context()));
      cudaGetLastError();
    });
    ADD_FAILURE() << "CUDA does not allow to wait meanwhile";
  } catch (const kernels::CudaError& error) {
    EXPECT_STREQ(error.what(), "CUDA could not record a graph");
  }
  result = Tensor();
  EXPECT_EQ(values_of(x), std::vector<float>(5, 3.0F));  // the stream is in order again
}

/// What was allocated before and is given back while a graph is recorded stays usable for replays
/// of what came before, and is freed in the end.
TEST(DeviceGraph, MemoryOfOthersMayBeGivenBackMeanwhile) {
  // What was given back counts as free once the stream has come so far.
  const auto in_use = [] {
    kernels::synchronize(context());
    return kernels::device_memory_use(context()).now;
  };
  const std::size_t before = in_use();
  {
    Tensor x = Tensor::full({7}, 3.0, DType::kFloat32, test_device());
    Tensor y = Tensor::zeros({7}, DType::kFloat32, test_device());
    const auto graph = kernels::make_graph(context());
    graph->record([&] {
      kernels::scale(context(), 2.0F, y.data<float>(), y.data<float>(), 7);
      x = Tensor();
    });
    graph->replay();
  }
  EXPECT_EQ(in_use(), before);
}

TEST(GraphMemory, DealsOutPartsThatDoNotOverlapAndJoinsThemAgain) {
  kernels::GraphMemory memory;
  std::map<char*, std::size_t> used;
  Philox random(1, Purpose::kTest);
  for (int step = 0; step < 2000; ++step) {
    if (random.below(2) == 0 || used.empty()) {
      const std::size_t bytes = random.below(300'000);
      auto* part = static_cast<char*>(memory.allocate(bytes));
      ASSERT_NE(part, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(part) % 256, 0U);
      const auto next = used.lower_bound(part);
      EXPECT_TRUE(next == used.end() || part + bytes <= next->first);
      EXPECT_TRUE(next == used.begin() || std::prev(next)->first + std::prev(next)->second <= part);
      used[part] = bytes;
    } else {
      const auto chosen =
          std::next(used.begin(), random.below(static_cast<std::uint32_t>(used.size())));
      EXPECT_TRUE(memory.release(chosen->first));
      EXPECT_FALSE(memory.release(chosen->first)) << "twice";
      used.erase(chosen);
    }
  }
  for (const auto& [part, bytes] : used) EXPECT_TRUE(memory.release(part));
  // All parts are one again: what takes a whole block finds room.
  const std::size_t size = memory.size();
  const std::size_t block = std::size_t{64} << 20;
  ASSERT_EQ(size % block, 0U);
  for (std::size_t i = 0; i < size / block; ++i) EXPECT_NE(memory.allocate(block), nullptr);
  EXPECT_EQ(memory.size(), size);
  int elsewhere = 0;
  EXPECT_FALSE(memory.release(&elsewhere));
}

TEST(DelayedCopy, BringsWhatWasThereWhenItWasQueued) {
  Tensor x = Tensor::full({4}, 1.0, DType::kFloat32, test_device());
  const auto first = kernels::copy_to_host_later(context(), x.raw(), 16);
  x.copy_from(Tensor::full({4}, 2.0));
  const auto second = kernels::copy_to_host_later(context(), x.raw(), 16);
  EXPECT_EQ(static_cast<const float*>(second->wait())[3], 2.0F);
  EXPECT_EQ(static_cast<const float*>(first->wait())[3], 1.0F);
  EXPECT_TRUE(first->has_arrived());
  EXPECT_THROW(kernels::copy_to_host_later(context(), x.raw(), 257), kernels::CudaError);
}

}  // namespace
}  // namespace bptplr
