// Several threads on one device, as Python's may be: each gets what it would get alone.
#include <functional>
#include <thread>
#include <vector>

#include "engine/autograd.hpp"
#include "engine/memory.hpp"
#include "engine/ops.hpp"
#include "engine/pending_copy.hpp"
#include "kernels/device_graph.hpp"
#include "kernels/elementwise.hpp"
#include "tests/device.hpp"
#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

constexpr int kThreads = 4;
constexpr int kRepetitions = 12;

/// What a network does: kernels of several launches with scratch memory between them, copies to and
/// from the device, memory that comes and goes.
std::vector<Tensor> work_of(int thread) {
  const auto seed = static_cast<std::uint32_t>(4 * thread);
  const std::int64_t classes = 3 + thread;
  Tensor x = random_normal({2, 4, 4, 3}, seed).to(test_device());
  Tensor w = random_normal({classes, 3, 3, 3}, seed + 1).to(test_device());
  w.set_requires_grad(true);
  const Tensor target = softmax(random_normal({2, classes}, seed + 2).to(test_device()));
  const Tensor loss = soft_cross_entropy(global_avg_pool2d(conv2d(x, w, 1, 1)), target);
  const PendingCopy value(loss);
  backward(loss);
  return {value.get(), w.grad().to(Device{})};
}

/// Calls work(thread) in all threads at a time and repeatedly.
void in_threads(const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&work, t] {
      try {
        for (int i = 0; i < kRepetitions; ++i) work(t);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "thread " << t << ": " << error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void expect_same(const std::vector<Tensor>& results, const std::vector<Tensor>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(same_bits(results[i], expected[i])) << "result " << i;
  }
}

TEST(ThreadsCuda, DoNotDisturbEachOther) {
  std::vector<std::vector<Tensor>> expected;
  for (int t = 0; t < kThreads; ++t) expected.push_back(work_of(t));
  in_threads([&](int t) { expect_same(work_of(t), expected[static_cast<std::size_t>(t)]); });
}

/// A stream records what any thread queues, and memory of a graph is given out meanwhile.
TEST(ThreadsCuda, WorkOfOthersIsNotRecorded) {
  std::vector<std::vector<Tensor>> expected;
  for (int t = 0; t < kThreads; ++t) expected.push_back(work_of(t));
  const kernels::CudaContext& ctx = cuda_context(test_device());
  in_threads([&](int t) {
    if (t > 0) return expect_same(work_of(t), expected[static_cast<std::size_t>(t)]);
    Tensor sum = Tensor::zeros({3}, DType::kFloat32, test_device());
    const Tensor one = Tensor::full({3}, 1.0, DType::kFloat32, test_device());
    const auto graph = kernels::make_graph(ctx);
    graph->record([&] {
      for (int i = 0; i < 5; ++i) {
        std::this_thread::yield();
        kernels::add(ctx, sum.data<float>(), one.data<float>(), sum.data<float>(), 3);
      }
    });
    graph->replay();
    graph->replay();
    EXPECT_EQ(sum.to(Device{}).data<float>()[2], 10.0F);
  });
}

}  // namespace
}  // namespace bptplr
