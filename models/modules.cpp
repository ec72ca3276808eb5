#include "models/modules.hpp"

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"
#include "engine/row_shards.hpp"

namespace bptplr {
namespace {

/// Returns x [a, b, c, d] as [a, d, b, c]: weights from KRSC to OIHW.
Tensor to_oihw(const Tensor& x) {
  const std::int64_t taps = x.size(1) * x.size(2);
  const std::int64_t channels = x.size(3);
  Tensor y = Tensor::empty({x.size(0), channels, x.size(1), x.size(2)});
  for (std::int64_t k = 0; k < x.size(0); ++k) {
    const float* from = x.data<float>() + k * taps * channels;
    float* to = y.data<float>() + k * taps * channels;
    for (std::int64_t t = 0; t < taps; ++t) {
      for (std::int64_t c = 0; c < channels; ++c) to[c * taps + t] = from[t * channels + c];
    }
  }
  return y;
}

/// Returns y [a, d, b, c] as [a, b, c, d]: weights from OIHW to KRSC, the inverse of to_oihw.
Tensor from_oihw(const Tensor& y) {
  const std::int64_t taps = y.size(2) * y.size(3);
  const std::int64_t channels = y.size(1);
  Tensor x = Tensor::empty({y.size(0), y.size(2), y.size(3), channels});
  for (std::int64_t k = 0; k < x.size(0); ++k) {
    const float* from = y.data<float>() + k * taps * channels;
    float* to = x.data<float>() + k * taps * channels;
    for (std::int64_t t = 0; t < taps; ++t) {
      for (std::int64_t c = 0; c < channels; ++c) to[t * channels + c] = from[c * taps + t];
    }
  }
  return x;
}

/// Returns whether this is a counter of BatchNorm, which PyTorch files before version 0.4.1 lack
/// and nothing depends on.
bool is_counter(const std::string& name) {
  return name.ends_with(".num_batches_tracked");
}

/// Returns whether some rank has too few rows for statistics of its own, of which variances need
/// two values.
bool needs_others(const ForwardMode& mode) {
  return mode.shards != nullptr && mode.shards->least_rows() < 2 * mode.groups;
}

/// Returns a copy of an entry's tensor, or of its gradient, in the layout of files.
Tensor to_file(const NamedTensors::Entry& entry, const Tensor& values) {
  const bool is_convolution = entry.kind == NamedTensors::Kind::kConvWeight;
  const Tensor here = values.to(Device{});
  return is_convolution ? to_oihw(here) : here.clone();
}

Shape file_shape(const NamedTensors::Entry& entry) {
  const Shape& s = entry.tensor.shape();
  if (entry.kind != NamedTensors::Kind::kConvWeight) return s;
  return {s[0], s[3], s[1], s[2]};
}

/// Returns whether a file's tensor has the shape and type of this entry.
bool fits(const NamedTensors::Entry& entry, const Tensor& source) {
  return source.shape() == file_shape(entry) && source.dtype() == entry.tensor.dtype();
}

}  // namespace

std::vector<Tensor> NamedTensors::parameters() const {
  std::vector<Tensor> found;
  for (const Entry& entry : entries_) {
    if (entry.kind != Kind::kBuffer) found.push_back(entry.tensor);
  }
  return found;
}

void NamedTensors::move_to(Device device) {
  for (Entry& entry : entries_) {
    if (!is_counter(entry.name)) entry.tensor.move_to(device);
  }
}

TensorMap NamedTensors::state_dict() const {
  TensorMap state;
  for (const Entry& entry : entries_) state.emplace(entry.name, to_file(entry, entry.tensor));
  return state;
}

TensorMap NamedTensors::gradients() const {
  TensorMap grads;
  for (const Entry& entry : entries_) {
    if (entry.kind == Kind::kBuffer || !entry.tensor.grad().defined()) continue;
    grads.emplace(entry.name, to_file(entry, entry.tensor.grad()));
  }
  return grads;
}

void NamedTensors::load_state_dict(const TensorMap& state) {
  for (const Entry& entry : entries_) {
    const auto found = state.find(entry.name);
    if (found == state.end() && is_counter(entry.name)) continue;
    require(found != state.end(), "the state has no tensor '{}'; it belongs to another network",
            entry.name);
    const Tensor& source = found->second;
    require(fits(entry, source),
            "tensor '{}' is {} {} in the state but {} {} in the network; check --arch, --width, "
            "--blocks, --pool_side and --num_class",
            entry.name, to_string(source.dtype()), to_string(source.shape()),
            to_string(entry.tensor.dtype()), to_string(file_shape(entry)));
  }
  for (const auto& [name, tensor] : state) {
    require(std::any_of(entries_.begin(), entries_.end(),
                        [&name = name](const Entry& entry) { return entry.name == name; }),
            "the state has a tensor '{}' that the network has not; it belongs to another network",
            name);
  }
  load_matching(state);
}

NamedTensors::Match NamedTensors::load_matching(const TensorMap& state) {
  Match match;
  for (Entry& entry : entries_) {
    const std::size_t counts = is_counter(entry.name) ? 0 : 1;
    match.tensors += counts;
    const auto found = state.find(entry.name);
    if (found == state.end()) continue;
    const Tensor& source = found->second;
    if (!fits(entry, source)) {
      match.other_shape.push_back(entry.name);
      continue;
    }
    entry.tensor.copy_from(entry.kind == Kind::kConvWeight ? from_oihw(source) : source);
    match.taken += counts;
  }
  return match;
}

Tensor Initializer::uniform(Shape shape, std::int64_t fan_in) {
  Philox random = next_stream();
  Tensor t = Tensor::empty(std::move(shape));
  const float bound = 1.0F / std::sqrt(static_cast<float>(fan_in));
  std::generate_n(t.data<float>(), t.numel(),
                  [&] { return (2.0F * random.uniform() - 1.0F) * bound; });
  return t.set_requires_grad(true);
}

Tensor Initializer::normal(Shape shape, double deviation) {
  Philox random = next_stream();
  Tensor t = Tensor::empty(std::move(shape));
  std::generate_n(t.data<float>(), t.numel(),
                  [&] { return static_cast<float>(deviation * random.normal()); });
  return t;
}

namespace {

Tensor conv2d_weight(Initializer& init, std::int64_t in, std::int64_t out, std::int64_t kernel,
                     InitialValues initial) {
  const Shape shape = {out, kernel, kernel, in};
  const std::int64_t taps = kernel * kernel;
  if (initial == InitialValues::kPyTorch) return init.uniform(shape, in * taps);
  return init.normal(shape, std::sqrt(2.0 / static_cast<double>(out * taps)))
      .set_requires_grad(true);
}

Tensor linear_weight(Initializer& init, std::int64_t in, std::int64_t out, InitialValues initial) {
  if (initial == InitialValues::kPyTorch) return init.uniform({out, in}, in);
  return init.normal({out, in}, 0.01).set_requires_grad(true);
}

Tensor bias_of(Initializer& init, std::int64_t out, std::int64_t fan_in, InitialValues initial) {
  if (initial == InitialValues::kPyTorch) return init.uniform({out}, fan_in);
  return Tensor::zeros({out}).set_requires_grad(true);
}

}  // namespace

Conv2d::Conv2d(Initializer& init, std::int64_t in, std::int64_t out, std::int64_t kernel,
               const Conv2dOptions& options)
    : weight_(conv2d_weight(init, in, out, kernel, options.initial)),
      bias_(options.bias ? bias_of(init, out, in * kernel * kernel, options.initial) : Tensor()),
      stride_(options.stride),
      padding_(options.padding) {}

Tensor Conv2d::operator()(const Tensor& x) const {
  const Tensor y = conv2d(x, weight_, stride_, padding_);
  return bias_.defined() ? add_bias_(y, bias_) : y;
}

void Conv2d::name(NamedTensors& names, const std::string& prefix) const {
  names.add(prefix + ".weight", weight_, NamedTensors::Kind::kConvWeight);
  if (bias_.defined()) names.add(prefix + ".bias", bias_, NamedTensors::Kind::kParameter);
}

BatchNorm::BatchNorm(std::int64_t channels, Activation activation)
    : weight_(Tensor::full({channels}, 1.0).set_requires_grad(true)),
      bias_(Tensor::zeros({channels}).set_requires_grad(true)),
      running_mean_(Tensor::zeros({channels})),
      running_var_(Tensor::full({channels}, 1.0)),
      num_batches_tracked_(Tensor::zeros({}, DType::kInt64)),
      activation_(activation) {}

BatchNormOptions BatchNorm::begin_pass(const ForwardMode& mode) {
  if (mode.training) *num_batches_tracked_.data<std::int64_t>() += mode.groups;
  BatchNormOptions options;
  options.training = mode.training;
  options.groups = mode.groups;
  options.relu = activation_ == Activation::kRelu;
  if (mode.sync_statistics || needs_others(mode)) options.shards = mode.shards;
  return options;
}

Tensor BatchNorm::operator()(const Tensor& x, const ForwardMode& mode) {
  return batch_norm(x, weight_, bias_, running_mean_, running_var_, begin_pass(mode));
}

Tensor BatchNorm::after(const Conv2d& conv, const Tensor& x, const ForwardMode& mode) {
  if (conv.has_bias()) return (*this)(conv(x), mode);
  return after_sum(conv, x, {}, mode, false).normalized;
}

AddBatchNorm BatchNorm::after_sum(const Conv2d& conv, const Tensor& x, const Tensor& addend,
                                  const ForwardMode& mode, bool wants_sum) {
  return conv2d_batch_norm(conv.of(x), addend, weight_, bias_, running_mean_, running_var_,
                           begin_pass(mode), wants_sum);
}

void BatchNorm::name(NamedTensors& names, const std::string& prefix) const {
  names.add(prefix + ".weight", weight_, NamedTensors::Kind::kParameter);
  names.add(prefix + ".bias", bias_, NamedTensors::Kind::kParameter);
  names.add(prefix + ".running_mean", running_mean_, NamedTensors::Kind::kBuffer);
  names.add(prefix + ".running_var", running_var_, NamedTensors::Kind::kBuffer);
  names.add(prefix + ".num_batches_tracked", num_batches_tracked_, NamedTensors::Kind::kBuffer);
}

Linear::Linear(Initializer& init, std::int64_t in, std::int64_t out, InitialValues initial)
    : weight_(linear_weight(init, in, out, initial)), bias_(bias_of(init, out, in, initial)) {}

Tensor Linear::operator()(const Tensor& x) const {
  return linear(x, weight_, bias_);
}

void Linear::name(NamedTensors& names, const std::string& prefix) const {
  names.add(prefix + ".weight", weight_, NamedTensors::Kind::kParameter);
  names.add(prefix + ".bias", bias_, NamedTensors::Kind::kParameter);
}

Tensor Dropout::operator()(const Tensor& x, const ForwardMode& mode) const {
  if (!mode.training) return x;
  const Philox random = mode.dropout.random(layer_);
  return x.shape().size() == 4 ? dropout2d(x, rate_, random, mode.shards)
                               : dropout(x, rate_, random, mode.shards);
}

}  // namespace bptplr
