#include "models/projection_head.hpp"

namespace bptplr {

ProjectionHead::ProjectionHead(Initializer& init, std::int64_t features, const HeadConfig& heads,
                               InitialValues initial)
    : first_(init, features, heads.projector == Projector::kMlp ? features : heads.low_dim,
             initial),
      prototypes_(Tensor::zeros({heads.num_classes, heads.low_dim})) {
  if (heads.projector == Projector::kMlp) {
    second_.emplace(init, features, heads.low_dim, initial);
  } else {
    norm_.emplace(heads.low_dim, Activation::kNone);
  }
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
