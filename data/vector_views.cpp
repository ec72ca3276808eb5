#include "data/vector_views.hpp"

#include <vector>

#include "engine/dispatch.hpp"
#include "engine/io/mapped_file.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "engine/random.hpp"
#include "kernels/vector_views.hpp"

namespace bptplr {
namespace {

/// Returns the bytes of all vectors, one after the other, on a device.
Tensor copied(const Vectors& vectors, Device device) {
  if (vectors.rows == nullptr) return Tensor::from_bytes(std::as_bytes(vectors.bytes), device);
  std::vector<std::uint8_t> chosen;
  const auto size = static_cast<std::size_t>(vectors.bytes_per_vector());
  chosen.reserve(size * static_cast<std::size_t>(vectors.count));
  for (std::int64_t i = 0; i < vectors.count; ++i) {
    chosen.insert(chosen.end(), vectors.vector(i), vectors.vector(i) + size);
  }
  return Tensor::from_bytes(std::as_bytes(std::span(chosen)), device);
}

}  // namespace

VectorViews::VectorViews(const Vectors& vectors, std::span<const float> mean,
                         std::span<const float> std, const VectorChanges& changes, Device device,
                         DType dtype, SampleMemory memory)
    : ViewMaker(device), vectors_(vectors), changes_(changes), dtype_(dtype) {
  require(std::ssize(mean) == vectors.dim && std::ssize(std) == vectors.dim,
          "vectors of {} values are normalised with {} means and {} deviations", vectors.dim,
          mean.size(), std.size());
  std::vector<float> scale;
  for (const float deviation : std) scale.push_back(1.0F / deviation);
  mean_ = Tensor::from(std::vector(mean.begin(), mean.end()), {vectors.dim}).to(device);
  scale_ = Tensor::from(scale, {vectors.dim}).to(device);
  const auto bytes = static_cast<std::size_t>(vectors.count * vectors.bytes_per_vector());
  if (keeps_samples(device, memory, bytes)) values_ = copied(vectors, device);
}

Tensor VectorViews::empty(std::int64_t count) const {
  return Tensor::empty({count, vectors_.dim}, dtype_, device());
}

Tensor VectorViews::programs_of(std::span<const PlannedView> plan) const {
  std::vector<kernels::VectorProgram> programs;
  programs.reserve(plan.size());
  for (const PlannedView& of : plan) {
    kernels::VectorProgram program;
    if (of.view != View::kTest) {
      const int strength = of.view == View::kStrong ? 1 : 0;
      program.stream = Philox(of.stream.seed, Purpose::kAugment, of.stream.epoch,
                              static_cast<std::uint32_t>(of.index), of.stream.draw)
                           .stream();
      program.drop = changes_.drop[strength];
      program.noise = changes_.noise[strength];
    }
    programs.push_back(program);
  }
  return Tensor::from_bytes(std::as_bytes(std::span(programs)), Device{});
}

ViewInputs VectorViews::inputs(std::span<const PlannedView> plan) const {
  const bool travels = device().type == DeviceType::kCuda && !values_.defined();
  ViewInputs inputs;
  if (travels) {
    inputs = gathered(plan, vectors_.bytes_per_vector(),
                      [&](std::int64_t i) { return vectors_.vector(i); });
  } else if (values_.defined() || vectors_.rows == nullptr) {
    inputs = stored(plan);
  } else {
    std::vector<PlannedView> in_file(plan.begin(), plan.end());
    for (PlannedView& of : in_file) of.index = vectors_.row(of.index);
    inputs = stored(in_file);
  }
  inputs.programs = programs_of(plan);
  return inputs;
}

void VectorViews::make(const ViewInputs& inputs, Tensor out) const {
  const kernels::VectorShape shape{inputs.rows.numel(), vectors_.dim, vectors_.type, vectors_.root};
  Work work = moved(shape.count * vectors_.bytes_per_vector(), DType::kUint8);
  work += moved(out.numel(), out.dtype());
  const Range range("views", work);
  const std::uint8_t* values = values_of(inputs);
  dispatch_activation(out, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::vector_views(ctx, shape, values, inputs.rows.data<std::int64_t>(),
                          static_cast<const kernels::VectorProgram*>(inputs.programs.raw()),
                          mean_.data<float>(), scale_.data<float>(), out.data<T>());
  });
}

void VectorViews::prefetch(std::span<const std::int64_t> indices) const {
  if (!vectors_.on_disk || values_.defined()) return;
  const auto size = static_cast<std::size_t>(vectors_.bytes_per_vector());
  for (const std::int64_t index : indices) {
    if (index >= 0 && index < vectors_.count) read_ahead({vectors_.vector(index), size});
  }
}

const std::uint8_t* VectorViews::values_of(const ViewInputs& inputs) const {
  if (inputs.samples.defined()) return inputs.samples.data<std::uint8_t>();
  return values_.defined() ? values_.data<std::uint8_t>() : vectors_.bytes.data();
}

}  // namespace bptplr
