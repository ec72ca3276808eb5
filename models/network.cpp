#include "models/network.hpp"

#include "engine/error.hpp"

namespace bptplr {
namespace {

const HeadConfig& checked(const HeadConfig& heads) {
  require(heads.num_classes >= 2 && heads.num_classes <= 1024, "--num_class {} is not in 2..1024",
          heads.num_classes);
  require(heads.low_dim >= 1, "the projection needs at least one dimension");
  return heads;
}

}  // namespace

Network::Network(const HeadConfig& heads, std::uint64_t seed, std::uint32_t network)
    : heads_(checked(heads)), init_(seed, network) {}

void Network::add_projection_head(std::int64_t features, InitialValues initial) {
  head_.emplace(init_, features, heads_, initial);
  head_->name(named_);
}

Network::Output Network::forward(const Tensor& x, const ForwardMode& mode) {
  const Tensor h = features(x, mode);
  return {logits(h, mode), head_->project(h, mode)};
}

Tensor Network::classify(const Tensor& x, const ForwardMode& mode) {
  const Tensor h = features(x, mode);
  head_->observe(h, mode);
  return logits(h, mode);
}

}  // namespace bptplr
