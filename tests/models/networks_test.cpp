// ResNet-50, VGG19-BN and the 9-layer CNN, narrowed, against PyTorch; see tests/golden/README.md.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <tuple>
#include <vector>

#include "models/cnn9.hpp"
#include "models/resnet.hpp"
#include "models/vgg.hpp"
#include "tests/device.hpp"
#include "tests/golden.hpp"
#include "tests/tensor_ops.hpp"

namespace bptplr {
namespace {

constexpr HeadConfig kHeads{10, 16};
constexpr HeadConfig kHeadsOfUnicon{10, 16, Projector::kLinearBatchNorm};
/// The one that make_networks.py gave to PyTorch's networks.
constexpr DropoutKey kDropout{9, 2, 5, 1, 3};

std::unique_ptr<Network> make(const std::string& name) {
  if (name == "resnet50") {
    return std::make_unique<ResNet>(ResNetConfig{kHeads, 4, {1, 2, 1, 1}}, 1, 0);
  }
  if (name == "vgg19_bn") return std::make_unique<Vgg19>(Vgg19Config{kHeads, 2, 24, 1}, 1, 0);
  if (name == "vgg19_bn_map3") return std::make_unique<Vgg19>(Vgg19Config{kHeads, 2, 12, 3}, 1, 0);
  if (name == "vgg19_bn_map7") {
    return std::make_unique<Vgg19>(Vgg19Config{kHeadsOfUnicon, 2, 12}, 1, 0);
  }
  if (name == "cnn9_linear_bn") {
    return std::make_unique<Cnn9>(Cnn9Config{kHeadsOfUnicon, 2}, 1, 0);
  }
  return std::make_unique<Cnn9>(Cnn9Config{kHeads, 4}, 1, 0);
}

const Golden& golden() {
  static const Golden file("networks");
  return file;
}

Tensor input(const std::string& key) {
  return golden()[key].to(test_device());
}

double norm(const Tensor& values) {
  return relative_error(values, Tensor::zeros(values.shape()));
}

/// The bias of a convolution before a BatchNorm has no effect in training: PyTorch's gradient in
/// double precision is rounding, and so must ours be, beside that of the weights.
void expect_gradient(const std::string& name, const TensorMap& actual, const Tensor& expected) {
  if (norm(expected) < 1e-10) {
    const std::string weight = name.substr(0, name.rfind('.')) + ".weight";
    EXPECT_LT(norm(actual.at(name)), 1e-5 * norm(actual.at(weight))) << name;
  } else {
    EXPECT_LT(relative_error(actual.at(name), expected), 1e-4) << name;
  }
}

class NetworksGolden : public testing::TestWithParam<const char*> {
 protected:
  NetworksGolden() : prefix_(std::string(GetParam()) + "/"), network_(make(GetParam())) {
    network_->named().move_to(test_device());
    network_->named().load_state_dict(golden().with_prefix(prefix_ + "state/"));
  }

  Network::Output forward(const ForwardMode& mode) {
    return network_->forward(input(prefix_ + "x"), mode);
  }
  void expect_output(const Network::Output& output, const std::string& prefix) {
    EXPECT_LT(relative_error(output.logits, golden()[prefix + "logits"]), 1e-4);
    EXPECT_LT(relative_error(output.projection, golden()[prefix + "projections"]), 1e-4);
  }

  std::string prefix_;
  std::unique_ptr<Network> network_;
};

TEST_P(NetworksGolden, MatchesPyTorch) {
  const Network::Output output = forward({true, 1, kDropout});
  expect_output(output, prefix_);
  const auto labels = golden()[prefix_ + "labels"].span<std::int64_t>();
  const Tensor loss = add(cross_entropy(output.logits, labels),
                          sum(multiply(output.projection, input(prefix_ + "r"))));
  EXPECT_LT(relative_error(loss, golden()[prefix_ + "loss"]), 1e-4);
  backward(loss);
  const TensorMap gradients = network_->named().gradients();
  const TensorMap expected = golden().with_prefix(prefix_ + "grad/");
  EXPECT_EQ(gradients.size(), expected.size());
  for (const auto& [name, gradient] : expected) {
    expect_gradient(name, gradients, gradient);
  }
  const TensorMap state = network_->named().state_dict();
  const TensorMap after = golden().with_prefix(prefix_ + "state_after/");
  EXPECT_GE(after.size(), 2U * 9U);
  for (const auto& [name, buffer] : after) {
    EXPECT_LT(relative_error(state.at(name), buffer), 1e-4) << name;
  }
  const NoGrad no_grad;
  expect_output(forward({false, 1}), prefix_ + "eval/");
}

TEST_P(NetworksGolden, ClassifyIsForwardWithoutProjection) {
  const NoGrad no_grad;
  const Tensor x = input(prefix_ + "x");
  EXPECT_EQ(relative_error(network_->classify(x, {false, 1}), forward({false, 1}).logits), 0.0);
}

INSTANTIATE_TEST_SUITE_P(All, NetworksGolden,
                         testing::Values("resnet50", "vgg19_bn", "vgg19_bn_map3", "vgg19_bn_map7",
                                         "cnn9", "cnn9_linear_bn"),
                         [](const auto& name) { return std::string(name.param); });

TEST(Networks, EveryForwardPassDropsOtherChannels) {
  const auto network = make("cnn9");
  network->named().move_to(test_device());
  const NoGrad no_grad;
  const auto logits = [&](const DropoutKey& key) {
    return network->classify(input("cnn9/x"), {true, 1, key});
  };
  const Tensor first = logits(kDropout);
  EXPECT_EQ(relative_error(logits(kDropout), first), 0.0);
  EXPECT_GT(relative_error(logits(kDropout.of_pass(4)), first), 0.01);
  DropoutKey later = kDropout;
  later.iteration += 1;
  EXPECT_GT(relative_error(logits(later), first), 0.01);
}

/// Batches that pass through the network without a projector see the BatchNorm of one all the same.
TEST(Networks, ProjectorWithBatchNormSeesEveryTrainingBatch) {
  const ResNetConfig config{kHeadsOfUnicon, 4, {1, 1, 1, 1}};
  ResNet together(config, 1, 0);
  ResNet apart(config, 1, 0);
  together.named().move_to(test_device());
  apart.named().move_to(test_device());
  const Tensor x = concat({input("cnn9/x"), input("resnet50/x")});
  const NoGrad no_grad;
  const Tensor grouped = together.forward(x, {true, 2}).projection;
  for (std::int64_t g = 0; g < 2; ++g) {
    const Tensor part = apart.forward(x.rows(4 * g, 4 * g + 4), {true, 1}).projection;
    EXPECT_LT(relative_error(grouped.rows(4 * g, 4 * g + 4), part), 1e-5);
  }
  together.forward(x.rows(0, 4), {true, 1});
  apart.classify(x.rows(0, 4), {true, 1});
  apart.classify(x, {false, 1});
  const TensorMap state = apart.named().state_dict();
  for (const auto& [name, tensor] : together.named().state_dict()) {
    if (tensor.dtype() == DType::kInt64) {
      EXPECT_EQ(state.at(name).item(), 3.0) << name;
    } else {
      EXPECT_LT(relative_error(state.at(name), tensor), 1e-5) << name;
    }
  }
}

TEST(Networks, ProjectorWithBatchNormIsNamedAsInPyTorch) {
  const auto network = make("cnn9_linear_bn");
  std::vector<std::string> names;
  for (const auto& entry : network->named().entries()) {
    if (entry.name.starts_with("projector")) names.push_back(entry.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"projector.0.weight", "projector.0.bias",
                                             "projector.1.weight", "projector.1.bias",
                                             "projector.1.running_mean", "projector.1.running_var",
                                             "projector.1.num_batches_tracked"}));
}

TEST(Networks, ProjectorWithBatchNormNeedsMoreThanOneImageInTraining) {
  const Tensor one = Tensor::zeros({1, 32, 32, 3}).to(test_device());
  const auto forward = [&](const char* name, const ForwardMode& mode) {
    const auto network = make(name);
    network->named().move_to(test_device());
    network->forward(one, mode);
  };
  EXPECT_THROW(forward("cnn9_linear_bn", {true, 1, kDropout}), Error);
  EXPECT_NO_THROW(forward("cnn9_linear_bn", {false, 1}));
  EXPECT_NO_THROW(forward("cnn9", {true, 1, kDropout}));
}

double deviation(const Tensor& values) {
  return norm(values) / std::sqrt(static_cast<double>(values.numel()));
}

TEST(Networks, InitialValuesFollowTorchvision) {
  const ResNet resnet({kHeads, 16, {1, 1, 1, 1}}, 1, 0);
  const TensorMap state = resnet.named().state_dict();
  const double he = std::sqrt(2.0 / (9.0 * 64.0));  // fan out: 3x3, 64 channels
  EXPECT_NEAR(deviation(state.at("layer3.0.conv2.weight")), he, 0.02 * he);
  const double fc = 1.0 / std::sqrt(3.0 * 512.0);  // uniform in +-1/sqrt(512)
  EXPECT_NEAR(deviation(state.at("fc.weight")), fc, 0.05 * fc);
  const Vgg19 vgg({kHeads, 4, 64}, 1, 0);
  const TensorMap other = vgg.named().state_dict();
  EXPECT_NEAR(deviation(other.at("classifier.3.weight")), 0.01, 0.0005);
  EXPECT_EQ(norm(other.at("features.0.bias")), 0.0);
  EXPECT_EQ(norm(other.at("classifier.0.bias")), 0.0);
  // The published class draws its projector alike, and its script a new last layer.
  EXPECT_NEAR(deviation(other.at("projector.0.weight")), 0.01, 0.0005);
  EXPECT_EQ(norm(other.at("projector.2.bias")), 0.0);
  const double last = 1.0 / std::sqrt(3.0 * 64.0);
  EXPECT_NEAR(deviation(other.at("classifier.6.weight")), last, 0.05 * last);
  EXPECT_GT(norm(other.at("classifier.6.bias")), 0.0);
  EXPECT_GT(norm(make("cnn9")->named().state_dict().at("c1.bias")), 0.0);
}

TEST(Networks, HaveNoPrototypesUntilTheyAreMade) {
  EXPECT_EQ(norm(make("cnn9")->prototypes()), 0.0);
}

TEST(Networks, VggOfFullWidthHasTheShapesOfTorchvision) {
  const Vgg19Config published{kHeads};
  EXPECT_EQ(published.features(), 25088);
  EXPECT_EQ(published.hidden, 4096);
  const Vgg19 narrow({kHeadsOfUnicon, 1, 12}, 1, 0);
  EXPECT_EQ(narrow.named().state_dict().at("classifier.0.weight").shape(), (Shape{12, 8 * 49}));
}

TEST(Networks, ImpossibleOnesAreErrors) {
  EXPECT_THROW(ResNet({kHeads, 0, {1, 1, 1, 1}}, 1, 0), Error);
  EXPECT_THROW(ResNet({kHeads, 4, {1, 1, 0, 1}}, 1, 0), Error);
  EXPECT_THROW(Vgg19({kHeads, 4, 0}, 1, 0), Error);
  EXPECT_THROW(Vgg19({kHeads, 4, 8, 0}, 1, 0), Error);
  EXPECT_THROW(Vgg19({kHeads, 4, 8, 17}, 1, 0), Error);
  EXPECT_THROW(Cnn9({kHeads, 0}, 1, 0), Error);
  EXPECT_THROW(Cnn9({{1, 16}, 4}, 1, 0), Error);
}

TEST(Networks, ImagesMayBeAsSmallAsTheySay) {
  const NoGrad no_grad;
  for (const auto& [name, side, check] :
       std::vector<std::tuple<const char*, std::int64_t, void (*)(std::int64_t, std::int64_t)>>{
           {"vgg19_bn", 32, Vgg19::check_images}, {"cnn9", 28, Cnn9::check_images}}) {
    SCOPED_TRACE(name);
    const auto network = make(name);
    network->named().move_to(test_device());
    const auto classify = [&](std::int64_t height, std::int64_t width) {
      return network->classify(Tensor::zeros({1, height, width, 3}).to(test_device()), {false, 1});
    };
    EXPECT_EQ(classify(side, side).size(1), kHeads.num_classes);
    EXPECT_NO_THROW(check(side, side));
    EXPECT_THROW(classify(side - 1, side), Error);
    EXPECT_THROW(check(side, side - 1), Error);
  }
}

}  // namespace
}  // namespace bptplr
