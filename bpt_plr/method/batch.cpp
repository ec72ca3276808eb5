#include "bpt_plr/method/batch.hpp"

#include <algorithm>

#include "engine/profile/range.hpp"

namespace bptplr {

std::vector<Tensor*> Batch::tensors() {
  return {&weak.samples,      &weak.rows,       &weak.programs,    &strong.samples,
          &strong.rows,       &strong.programs, &partners.samples, &partners.rows,
          &partners.programs, &partner_rows,    &labels,           &clean_probability,
          &set_rows,          &set_labels,      &permutation,      &scalars};
}

std::vector<const Tensor*> Batch::tensors() const {
  const auto all = const_cast<Batch*>(this)->tensors();
  return {all.begin(), all.end()};
}

bool Batch::has_shapes_of(const Batch& other) const {
  return std::ranges::equal(tensors(), other.tensors(), [](const Tensor* a, const Tensor* b) {
    return a->defined() == b->defined() && (!a->defined() || a->shape() == b->shape());
  });
}

Batch Batch::to(Device device) const {
  const Range range("inputs");
  Batch copy = *this;
  for (Tensor* tensor : copy.tensors()) {
    if (tensor->defined()) *tensor = tensor->to(device);
  }
  return copy;
}

void Batch::copy_from(const Batch& source) {
  const Range range("inputs");
  const auto targets = tensors();
  const auto sources = source.tensors();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i]->defined()) targets[i]->copy_from(*sources[i]);
  }
  dropout = source.dropout;
  known = source.known;
  samples = source.samples;
  sync_batch_norm = source.sync_batch_norm;
  group = source.group;
}

Tensor make_scalars(double lr, double mix, double lambda_u, double penalty) {
  return Tensor::from(std::vector{lr, mix, 1.0, lambda_u, penalty}, {5});
}

LossTerms loss_terms(const Losses& losses) {
  const Tensor here = losses.values.to(Device{});
  const auto values = here.span<float>();
  LossTerms terms;
  for (std::size_t i = 0; i < losses.names.size(); ++i) terms[losses.names[i]] = values[i];
  return terms;
}

}  // namespace bptplr
