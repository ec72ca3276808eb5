#include "bpt_plr/method/prototypes.hpp"

#include "bpt_plr/method/ops.hpp"
#include "engine/error.hpp"

namespace bptplr {

void initialize_prototypes(const Tensor& projection, std::span<const std::int64_t> noisy_labels,
                           const std::vector<std::string>& class_names, Tensor& prototypes) {
  require_every_class(noisy_labels, class_names);
  const Tensor labels =
      Tensor::from(noisy_labels, {std::ssize(noisy_labels)}).to(projection.device());
  class_means(projection, labels, prototypes);
}

void require_every_class(std::span<const std::int64_t> noisy_labels,
                         const std::vector<std::string>& class_names) {
  std::vector<bool> there(class_names.size());
  for (const std::int64_t label : noisy_labels) there[static_cast<std::size_t>(label)] = true;
  for (std::size_t c = 0; c < class_names.size(); ++c) {
    require(there[c],
            "no training sample is labelled as class {} ({}), so it can have no prototype; use "
            "more samples or check the labels",
            c, class_names[c]);
  }
}

}  // namespace bptplr
