#include "data/views.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/error.hpp"

namespace bptplr {

ViewInputs to(const ViewInputs& inputs, Device device) {
  return {inputs.samples.defined() ? inputs.samples.to(device) : Tensor(), inputs.rows.to(device),
          inputs.programs.to(device)};
}

std::vector<PlannedView> ViewMaker::plan(std::span<const std::int64_t> indices, View view,
                                         const ViewStream& stream) const {
  std::vector<PlannedView> plan;
  plan.reserve(indices.size());
  for (const std::int64_t index : indices) {
    require(index >= 0 && index < count(),
            "a view was asked of sample {}, but there are {} samples (0 to {}); pass indices of "
            "this split",
            index, count(), count() - 1);
    plan.push_back({index, view, stream});
  }
  return plan;
}

ViewInputs ViewMaker::stored(std::span<const PlannedView> plan) {
  std::vector<std::int64_t> rows;
  rows.reserve(plan.size());
  for (const PlannedView& of : plan) rows.push_back(of.index);
  return {{}, Tensor::from(rows, {std::ssize(plan)}), {}};
}

ViewInputs ViewMaker::gathered(std::span<const PlannedView> plan, std::int64_t bytes,
                               const std::function<const std::uint8_t*(std::int64_t)>& at) {
  std::vector<std::int64_t> rows(plan.size());
  std::iota(rows.begin(), rows.end(), 0);
  Tensor samples = Tensor::empty({std::ssize(plan) * bytes}, DType::kUint8);
  auto* to = samples.data<std::uint8_t>();
  for (const PlannedView& of : plan) to = std::copy_n(at(of.index), bytes, to);
  return {samples, Tensor::from(rows, {std::ssize(plan)}), {}};
}

void ViewMaker::make(std::span<const std::int64_t> indices, View view, const ViewStream& stream,
                     Tensor out) const {
  make(to(inputs(plan(indices, view, stream)), device_), std::move(out));
}

}  // namespace bptplr
