#include "bpt_plr/prototypes.hpp"

#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "kernels/prototypes.hpp"
#include "kernels/sample_losses.hpp"

namespace bptplr {
namespace {

kernels::PrototypeShape shape_of(const Tensor& projection, const Tensor& prototypes) {
  return {projection.size(0), projection.size(1), prototypes.size(0)};
}

}  // namespace

void initialize_prototypes(const Tensor& projection, std::span<const std::int64_t> noisy_labels,
                           const std::vector<std::string>& class_names, Tensor& prototypes) {
  std::vector<std::int64_t> counts(class_names.size());
  kernels::class_means(cpu_context(), shape_of(projection, prototypes), projection.data<float>(),
                       noisy_labels.data(), prototypes.data<float>(), counts.data());
  for (std::size_t c = 0; c < counts.size(); ++c) {
    require(counts[c] > 0,
            "no training sample is labelled as class {} ({}), so it can have no prototype; use "
            "more samples or check the labels",
            c, class_names[c]);
  }
}

void update_prototypes(const KeptOutputs& kept, double momentum, double threshold,
                       Tensor& prototypes) {
  const std::int64_t n = kept.logits.size(0);
  const std::int64_t classes = kept.logits.size(1);
  std::vector<std::int64_t> labels(static_cast<std::size_t>(n));
  kernels::pseudo_labels(cpu_context(), n, classes, threshold, kept.prototype_logits.data<float>(),
                         kept.logits.data<float>(), labels.data());
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes));
  kernels::update_prototypes(cpu_context(), shape_of(kept.projection, prototypes), momentum,
                             kept.projection.data<float>(), labels.data(), prototypes.data<float>(),
                             counts.data());
}

}  // namespace bptplr
