#include "models/projection_head.hpp"

namespace bptplr {

ProjectionHead::ProjectionHead(Initializer& init, std::int64_t features, Projector projector,
                               std::int64_t low_dim, std::int64_t num_classes)
    : first_(init, features, projector == Projector::kMlp ? features : low_dim) {
  if (projector == Projector::kMlp) {
    second_.emplace(init, features, low_dim);
  } else {
    norm_.emplace(low_dim, Activation::kNone);
  }
  prototypes_ = l2_normalize(init.normal({num_classes, low_dim}));
}

Tensor ProjectionHead::project(const Tensor& h, const ForwardMode& mode) {
  const Tensor y = first_(h);
  return l2_normalize(norm_ ? (*norm_)(y, mode) : (*second_)(relu(y)));
}

void ProjectionHead::observe(const Tensor& h, const ForwardMode& mode) {
  if (!norm_ || !mode.training) return;
  const NoGrad no_grad;
  (*norm_)(first_(h), mode);
}

void ProjectionHead::name(NamedTensors& names) const {
  first_.name(names, "projector.0");
  if (second_) second_->name(names, "projector.2");
  if (norm_) norm_->name(names, "projector.1");
  names.add("prototypes", prototypes_, NamedTensors::Kind::kBuffer);
}

}  // namespace bptplr
