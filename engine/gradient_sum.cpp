#include "engine/gradient_sum.hpp"

#include <algorithm>

#include "engine/autograd.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
namespace {

/// Large enough for a message to cost its bytes rather than its latency.
constexpr std::int64_t kBucketBytes = 4 << 20;
/// Gradients begin at multiples of so many elements, for vector loads.
constexpr std::int64_t kElementsApart = 32;

std::int64_t aligned(std::int64_t elements) {
  return (elements + kElementsApart - 1) / kElementsApart * kElementsApart;
}

}  // namespace

GradientSum::GradientSum(Communicator& group, std::vector<Tensor> parameters) : group_(group) {
  if (group.is_alone() || parameters.empty()) return;
  const Tensor& first = parameters.front();
  const auto most = kBucketBytes / static_cast<std::int64_t>(element_size(first.dtype()));
  std::int64_t total = 0;
  for (const Tensor& parameter : parameters) total += aligned(parameter.numel());
  // Zeros: what no gradient reaches is summed with the rest of its bucket.
  memory_ = Tensor::zeros({total}, first.dtype(), first.device());
  std::int64_t next = 0;
  std::ranges::reverse(parameters);
  for (Tensor& parameter : parameters) {
    if (buckets_.empty() || next - buckets_.back().begin >= most) buckets_.push_back({next, next});
    Bucket& bucket = buckets_.back();
    parameter.set_grad_memory(
        memory_.rows(next, next + parameter.numel()).reshape(parameter.shape()));
    bucket_of_[parameter.raw()] = buckets_.size() - 1;
    ++bucket.parameters;
    next += aligned(parameter.numel());
    bucket.end = next;
  }
}

void GradientSum::backward(const Tensor& loss) {
  if (buckets_.empty()) return bptplr::backward(loss);
  for (Bucket& bucket : buckets_) {
    bucket.done = 0;
    bucket.begun = false;
  }
  bptplr::backward(loss, [this](const Tensor& parameter) { note(parameter); });
  // Those with a parameter that this loss does not depend on.
  for (Bucket& bucket : buckets_) begin(bucket);
  const Range range("gradient sums");
  group_.finish_sums(memory_.device());
}

void GradientSum::note(const Tensor& parameter) {
  const auto found = bucket_of_.find(parameter.raw());
  if (found == bucket_of_.end()) return;
  Bucket& bucket = buckets_[found->second];
  if (++bucket.done == bucket.parameters) begin(bucket);
}

void GradientSum::begin(Bucket& bucket) {
  if (std::exchange(bucket.begun, true)) return;
  Tensor part = memory_.rows(bucket.begin, bucket.end);
  group_.begin_sum(part.device(), part.dtype(), part.raw(), part.numel());
}

}  // namespace bptplr
