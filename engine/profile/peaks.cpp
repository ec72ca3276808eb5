#include "engine/profile/peaks.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "engine/autograd.hpp"
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/elementwise.hpp"

namespace bptplr {
namespace {

constexpr int kRounds = 3;

void wait_for(Device device) {
  if (device.type == DeviceType::kCuda) kernels::synchronize(cuda_context(device));
}

/// Returns the seconds of a call of `work`: the minimum of kRounds rounds, each with enough calls
/// to last `least_seconds`.
template <class Fn>
double seconds_of(Device device, double least_seconds, Fn&& work) {
  const auto time = [&](int calls) {
    const auto start = std::chrono::steady_clock::now();
    for (int call = 0; call < calls; ++call) work();
    wait_for(device);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  time(1);  // initialises libraries
  int calls = 1;
  double best = time(calls);
  while (best < least_seconds) {
    calls *= 2;
    best = time(calls);
  }
  for (int round = 1; round < kRounds; ++round) best = std::min(best, time(calls));
  return best / calls;
}

/// Returns a matrix of random numbers, float32 [side, side]. (With equal numbers a GPU would use
/// less power and run faster than in practice.)
Tensor random_matrix(Device device, std::int64_t side) {
  constexpr std::int64_t kRows = 16;
  Philox random(1, Purpose::kTest);
  Tensor rows = Tensor::empty({kRows, side});
  std::generate_n(rows.data<float>(), rows.numel(), [&] { return random.uniform() - 0.5F; });
  std::vector<std::int64_t> index;
  for (std::int64_t i = 0; i < side; ++i) index.push_back(i % kRows);
  return gather_rows(rows.to(device), Tensor::from(index, {side}).to(device));
}

/// Returns the seconds of a product of two matrices with `side` rows and columns, a multiple of 16.
double product_seconds(Device device, DType type, std::int64_t side, double least_seconds) {
  constexpr std::int64_t kPixels = 4;
  const Tensor matrix = random_matrix(device, side);
  Tensor x = Tensor::empty({side / (kPixels * kPixels), kPixels, kPixels, side}, type, device);
  Tensor w = Tensor::empty({side, 1, 1, side}, type, device);
  for (Tensor* factor : {&x, &w}) {
    const Tensor values = matrix.to(type);
    copy_bytes(device, factor->raw(), device, values.raw(),
               static_cast<std::size_t>(side * side) * element_size(type));
  }
  double best = seconds_of(device, least_seconds, [&] { conv2d(x, w, 1, 0); });
  if (type == DType::kFloat32) {
    best = std::min(best, seconds_of(device, least_seconds, [&] { linear(matrix, matrix, {}); }));
  }
  return best;
}

double operations_per_s(Device device, DType type, const PeakOptions& options) {
  double best = 0.0;
  for (std::int64_t side = options.smallest_product; side <= options.largest_product; side *= 2) {
    const double seconds = product_seconds(device, type, side, options.least_seconds);
    const auto length = static_cast<double>(side);
    best = std::max(best, 2.0 * length * length * length / seconds);
    if (8.0 * seconds > options.most_seconds) break;
  }
  return best;
}

double bytes_per_s(Device device, const PeakOptions& options) {
  const std::int64_t count = options.copy_bytes / static_cast<std::int64_t>(sizeof(float));
  const Tensor from = Tensor::full({count}, 0.5, DType::kFloat32, device);
  Tensor to = Tensor::zeros({count}, DType::kFloat32, device);
  const double copied = seconds_of(device, options.least_seconds, [&] { to.copy_from(from); });
  // Our own loop uses all threads of a CPU, memcpy one.
  const double scaled = seconds_of(device, options.least_seconds, [&] {
    dispatch_float32(from, [&](const auto& ctx) {
      kernels::scale(ctx, 1.0F, from.data<float>(), to.data<float>(), count);
    });
  });
  return 2.0 * static_cast<double>(options.copy_bytes) / std::min(copied, scaled);
}

}  // namespace

double Peaks::floor_seconds(const Work& work) const {
  return std::max(work.operations / operations_per_s, work.bytes / bytes_per_s);
}

Peaks measure_peaks(Device device, DType type, const PeakOptions& options) {
  const NoGrad no_grad;
  return {operations_per_s(device, type, options), bytes_per_s(device, options)};
}

}  // namespace bptplr
