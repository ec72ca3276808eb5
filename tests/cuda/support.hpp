// Helpers of the tests of CUDA kernels: device copies of tensors, and results under three orders of
// the threads, which must agree bit for bit.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/cuda/runtime/launch.hpp"
#include "tests/kernels/support.hpp"

namespace bptplr {

/// Owns memory on the device.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::int64_t count) : count_(count) {
    void* memory = nullptr;
    // Nothing has an address, too.
    kernels::check(cudaMallocAsync(&memory, std::max<std::size_t>(bytes(), 1), nullptr),
                   "in a test");
    memory_ = {memory, [](void* m) { cudaFreeAsync(m, nullptr); }};
  }
  explicit DeviceArray(const std::vector<T>& values)
      : DeviceArray(static_cast<std::int64_t>(values.size())) {
    copy(memory_.get(), values.data());
  }
  /// Copies the elements of a CPU tensor.
  explicit DeviceArray(const Tensor& values) : DeviceArray(values.numel()) {
    copy(memory_.get(), values.data<T>());
  }

  T* get() { return static_cast<T*>(memory_.get()); }
  operator T*() { return get(); }
  std::int64_t size() const { return count_; }

  std::vector<T> to_host() const {
    std::vector<T> values(static_cast<std::size_t>(count_));
    copy(values.data(), memory_.get());
    return values;
  }
  Tensor to_tensor(Shape shape) const { return Tensor::from(to_host(), std::move(shape)); }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * sizeof(T); }
  void copy(void* target, const void* source) const {
    if (count_ == 0) return;
    kernels::check(cudaMemcpyAsync(target, source, bytes(), cudaMemcpyDefault, nullptr), "a copy");
    kernels::check(cudaStreamSynchronize(nullptr), "in a test");
  }

  std::int64_t count_;
  std::shared_ptr<void> memory_;
};

/// Scratch memory on the device that grows.
class DeviceWorkspace final : public kernels::Workspace {
 public:
  void* reserve(std::size_t bytes) override {
    // Allocated each time: a kernel must not profit from the contents that another one left.
    memory_ = std::make_unique<DeviceArray<unsigned char>>(static_cast<std::int64_t>(bytes));
    return memory_->get();
  }

 private:
  std::unique_ptr<DeviceArray<unsigned char>> memory_;
};

inline kernels::CudaContext cuda_test_context() {
  static DeviceWorkspace workspace;
  return {nullptr, &workspace};
}

/// Runs compute() -> vector of tensors under every schedule of the executor, or three times on a
/// GPU. Expects the same bits each time and returns the tensors.
template <class Fn>
std::vector<Tensor> on_device(Fn&& compute) {
  std::vector<Tensor> first;
#if defined(BPTPLR_SIMT)
  for (const auto schedule :
       {simt::Schedule::kAscending, simt::Schedule::kDescending, simt::Schedule::kShuffled}) {
    simt::set_schedule(schedule);
#else
  for (int repetition = 0; repetition < 3; ++repetition) {
#endif
    std::vector<Tensor> results = compute();
    if (first.empty()) {
      first = std::move(results);
      continue;
    }
    EXPECT_EQ(first.size(), results.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
      EXPECT_TRUE(same_bits(first[i], results[i])) << "result " << i << " depends on the order";
    }
  }
#if defined(BPTPLR_SIMT)
  simt::set_schedule(simt::Schedule::kAscending);
#endif
  return first;
}

}  // namespace bptplr
