// The balanced partition: two stable radix sorts (by clean probability, falling, then by class) put
// the samples of each class side by side, the cleanest first; a sample is labelled if its place in
// its class is below the budget. For 50,000 samples the sorts move a few megabytes: microseconds.
// Sorting and selecting is what Thrust is for.
#include <thrust/binary_search.h>
#include <thrust/copy.h>
#include <thrust/count.h>
#include <thrust/execution_policy.h>
#include <thrust/functional.h>
#include <thrust/gather.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/sequence.h>
#include <thrust/sort.h>

#include <cstddef>

#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/partition.hpp"

#if defined(BPTPLR_SIMT)
#include <thrust/system/cpp/execution_policy.h>
#endif

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;

/// Gives Thrust its temporary memory out of our pool.
struct PoolAllocator {
  using value_type = char;
  const CudaContext* ctx;

  char* allocate(std::ptrdiff_t bytes) {
    void* memory = device_allocate(*ctx, static_cast<std::size_t>(bytes));
    if (memory == nullptr) throw OutOfDeviceMemory(static_cast<std::size_t>(bytes));
    return static_cast<char*>(memory);
  }
  void deallocate(char* memory, std::size_t) { device_release(*ctx, memory); }
};

/// Calls fn with where Thrust runs: on the stream, or on the host under the executor, with device
/// memory open.
template <class Fn>
void with_thrust(const CudaContext& ctx, Fn&& fn) {
  PoolAllocator allocator{&ctx};
#if defined(BPTPLR_SIMT)
  simt::run([&] { fn(thrust::cpp::par(allocator)); });
#else
  fn(thrust::cuda::par_nosync(allocator).on(ctx.stream));
#endif
}

struct Above {
  double threshold;
  __host__ __device__ bool operator()(double w) const { return w > threshold; }
};
struct IsLabelled {
  __host__ __device__ bool operator()(std::uint8_t flag) const { return flag != 0; }
};
struct IsUnlabelled {
  __host__ __device__ bool operator()(std::uint8_t flag) const { return flag == 0; }
};

/// labelled[sample] = whether the sample's place among its class, in the sorted order, is below the
/// budget. class_begin [classes]: where each class starts in that order.
__global__ void __launch_bounds__(kThreads)
    flag_labelled(std::int64_t n, std::int64_t budget, const std::int64_t* order,
                  const std::int64_t* sorted_classes, const std::int64_t* class_begin,
                  std::uint8_t* labelled) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  labelled[order[i]] = i - class_begin[sorted_classes[i]] < budget ? 1 : 0;
}

/// The working arrays, cut from one piece of scratch memory.
struct Scratch {
  double* probability;
  std::int64_t* order;
  std::int64_t* sorted_classes;
  std::int64_t* class_begin;
  std::uint8_t* labelled;

  Scratch(const CudaContext& ctx, std::int64_t n, std::int64_t classes) {
    auto* words = ctx.scratch<std::int64_t>(3 * n + classes + div_up(n, 8));
    probability = reinterpret_cast<double*>(words);
    order = words + n;
    sorted_classes = words + 2 * n;
    class_begin = words + 3 * n;
    labelled = reinterpret_cast<std::uint8_t*>(words + 3 * n + classes);
  }
};

}  // namespace

template <>
PartitionSizes balanced_partition(const CudaContext& ctx, std::int64_t n, std::int64_t classes,
                                  double threshold, const double* clean_probability,
                                  const std::int64_t* noisy_labels, std::int64_t* samples) {
  if (n == 0) return {};
  Scratch s(ctx, n, classes);
  PartitionSizes sizes;
  copy_on_device(ctx, s.probability, clean_probability,
                 static_cast<std::size_t>(n) * sizeof(double));
  const thrust::counting_iterator<std::int64_t> first(0);
  with_thrust(ctx, [&](const auto& on) {
    sizes.budget =
        thrust::count_if(on, clean_probability, clean_probability + n, Above{threshold}) / classes;
    thrust::sequence(on, s.order, s.order + n);
    // Radix sort is for the orders that Thrust knows by name.
    thrust::stable_sort_by_key(on, s.probability, s.probability + n, s.order,
                               thrust::greater<double>{});
    thrust::gather(on, s.order, s.order + n, noisy_labels, s.sorted_classes);
    thrust::stable_sort_by_key(on, s.sorted_classes, s.sorted_classes + n, s.order);
    thrust::lower_bound(on, s.sorted_classes, s.sorted_classes + n, first, first + classes,
                        s.class_begin);
  });
  launch(ctx, {dim3(static_cast<unsigned>(div_up(n, kThreads))), dim3(kThreads)}, flag_labelled, n,
         sizes.budget, s.order, s.sorted_classes, s.class_begin, s.labelled);
  std::int64_t* middle = nullptr;
  with_thrust(ctx, [&](const auto& on) {
    middle = thrust::copy_if(on, first, first + n, s.labelled, samples, IsLabelled{});
    thrust::copy_if(on, first, first + n, s.labelled, middle, IsUnlabelled{});
  });
  sizes.labelled = middle - samples;
  sizes.unlabelled = n - sizes.labelled;
  return sizes;
}

}  // namespace bptplr::kernels
