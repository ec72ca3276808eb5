#include "bpt_plr/method/prototypes.hpp"

#include "engine/dispatch.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "kernels/prototypes.hpp"

namespace bptplr {
namespace {

kernels::PrototypeShape shape_of(const Tensor& projection, const Tensor& prototypes) {
  return {projection.size(0), projection.size(1), prototypes.size(0)};
}

}  // namespace

void initialize_prototypes(const Tensor& projection, std::span<const std::int64_t> noisy_labels,
                           const std::vector<std::string>& class_names, Tensor& prototypes) {
  require_every_class(noisy_labels, class_names);
  const Range range("prototypes", moved(projection.numel(), projection.dtype()));
  const Device device = projection.device();
  const Tensor labels = Tensor::from(noisy_labels, {std::ssize(noisy_labels)}).to(device);
  Tensor counts = Tensor::empty({prototypes.size(0)}, DType::kInt64, device);
  dispatch_float32(projection, [&](const auto& ctx) {
    kernels::class_means(ctx, shape_of(projection, prototypes), projection.data<float>(),
                         labels.data<std::int64_t>(), prototypes.data<float>(),
                         counts.data<std::int64_t>());
  });
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

void update_prototypes(const Tensor& projection, const Tensor& classes, double momentum,
                       Tensor& prototypes) {
  const Range range("prototypes", moved(projection.numel(), DType::kFloat32));
  Tensor counts = Tensor::empty({prototypes.size(0)}, DType::kInt64, projection.device());
  dispatch_float32(projection, [&](const auto& ctx) {
    kernels::update_prototypes(ctx, shape_of(projection, prototypes), momentum,
                               projection.data<float>(), classes.data<std::int64_t>(),
                               prototypes.data<float>(), counts.data<std::int64_t>());
  });
}

}  // namespace bptplr
