#include "models/mlp.hpp"

#include "engine/error.hpp"

namespace bptplr {
namespace {

const MlpConfig& checked(const MlpConfig& config) {
  require(config.inputs >= 1, "an mlp needs vectors of at least one value");
  require(config.width >= 1 && config.width <= kMaxMlpWidth, "--width {} is not in 1..{}",
          config.width, kMaxMlpWidth);
  require(config.depth >= 0 && config.depth <= kMaxMlpDepth, "--depth {} is not in 0..{}",
          config.depth, kMaxMlpDepth);
  require(config.dropout >= 0.0 && config.dropout < 1.0, "--dropout {} is not in [0, 1)",
          config.dropout);
  return config;
}

std::int64_t features_of(const MlpConfig& config) {
  return config.depth == 0 ? config.inputs : config.width;
}

}  // namespace

std::vector<Mlp::Layer> Mlp::make_layers(Initializer& init, const MlpConfig& config) {
  std::vector<Layer> layers;
  std::int64_t in = config.inputs;
  for (std::int64_t l = 0; l < config.depth; ++l) {
    layers.push_back({Linear(init, in, config.width), BatchNorm(config.width, Activation::kRelu),
                      Dropout(config.dropout, static_cast<std::uint32_t>(l))});
    in = config.width;
  }
  return layers;
}

Mlp::Mlp(const MlpConfig& config, std::uint64_t seed, std::uint32_t network)
    : Network(config.heads, seed, network),
      inputs_(checked(config).inputs),
      dropout_(config.dropout),
      layers_(make_layers(init_, config)),
      out_(init_, features_of(config), config.heads.num_classes) {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    layers_[l].linear.name(named_, fmt::format("layers.{}.linear", l));
    layers_[l].bn.name(named_, fmt::format("layers.{}.bn", l));
  }
  out_.name(named_, "linear");
  add_projection_head(features_of(config));
}

Tensor Mlp::features(const Tensor& x, const ForwardMode& mode) {
  require(x.shape().size() == 2 && x.size(1) == inputs_,
          "this mlp takes vectors of {} values; use features of the network it was trained on",
          inputs_);
  Tensor h = x;
  for (Layer& layer : layers_) {
    h = layer.bn(layer.linear(h), mode);
    if (dropout_ > 0.0) h = layer.dropout(h, mode);
  }
  return h;
}

Tensor Mlp::logits(const Tensor& h, const ForwardMode& /*mode*/) {
  return out_(h);
}

}  // namespace bptplr
