// Runs training iterations of golden files: networks, optimiser and batch come from the file, and
// the state after an iteration is compared (tests/golden/README.md, "iteration").
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "bpt_plr/method/semi_supervised_step.hpp"
#include "engine/ops.hpp"
#include "models/preact_resnet.hpp"
#include "tests/device.hpp"
#include "tests/golden.hpp"

namespace bptplr {

/// Network and optimiser before the step.
struct IterationStart {
  PreActResNet network;
  Sgd optimizer;

  /// Returns the momentum buffers under their parameters' names; reads and writes PyTorch's layout.
  NamedTensors named_momentum() {
    NamedTensors names;
    std::size_t i = 0;
    for (const auto& entry : network.named().entries()) {
      if (entry.kind == NamedTensors::Kind::kBuffer) continue;
      names.add(entry.name, optimizer.velocity()[i++], entry.kind);
    }
    return names;
  }
};

class GoldenIteration {
 public:
  /// Reads the tensors of `file` under `prefix`, for a network of this configuration.
  GoldenIteration(const std::string& file, std::string prefix, const PreActResNetConfig& config)
      : golden_(file), prefix_(std::move(prefix)), config_(config) {}

  const Tensor& operator[](const std::string& key) const { return golden_[prefix_ + key]; }
  bool has(const std::string& key) const { return golden_.has(prefix_ + key); }
  double scalar(const std::string& key) const { return (*this)[key].item(); }
  std::vector<std::int64_t> integers(const std::string& key) const {
    const auto span = (*this)[key].span<std::int64_t>();
    return {span.begin(), span.end()};
  }
  /// Returns a tensor on the device under test.
  Tensor input(const std::string& key) const { return (*this)[key].to(test_device()); }
  Tensor view(const std::string& name) const { return input("views/" + name); }

  IterationStart start_of_j() const { return start("j"); }
  IterationStart start_of_k() const {
    IterationStart k = start("k");
    k.named_momentum().load_state_dict(golden_.with_prefix(prefix_ + "k_momentum/"));
    return k;
  }

  /// Returns the batch of the file, without views.
  Batch batch() const {
    Batch batch;
    batch.labels = input("y");
    batch.clean_probability = input("w");
    batch.permutation = input("perm");
    batch.scalars =
        make_scalars(scalar("lr"), scalar("l"), scalar("lambda"), 1.0).to(test_device());
    batch.samples = batch.permutation.numel() / 2;
    return batch;
  }

  /// Returns all views in the file, and class sets if it has logits for them.
  StepViews views() const {
    StepViews views;
    views.weak = concat({view("u1"), view("u2"), view("x1"), view("x2")});
    views.combined = Tensor::empty_like(views.weak);
    if (has("views/x3")) {
      views.combined = concat({views.combined, view("x3"), view("x4"), view("u3"), view("u4")});
      views.strong = views.combined.rows(views.rows(), 2 * views.rows());
    }
    if (has("z_x")) {
      views.class_sets = make_class_sets(concat({input("z_x"), input("z_u")}),
                                         concat({input("y"), input("y_u")}), integers("kappa")[0]);
    }
    return views;
  }

  /// Runs the iteration that `recipe` describes, with network k as `k`, and expects the results in
  /// the file under `variant`: losses to 1e-4, the state after to 1e-3. `contrastive_key` names the
  /// contrastive loss there, "" for none. Network j must not change.
  void expect_iteration(IterationStart& k, const Recipe& recipe, const std::string& variant,
                        const std::string& contrastive_key) const {
    IterationStart j = start_of_j();
    const TensorMap j_before = j.network.named().state_dict();
    const SemiSupervisedStep step(recipe, 0, k.network, j.network, k.optimizer);
    const LossTerms losses = loss_terms(step.train(batch(), views()));
    EXPECT_EQ(losses.contains("contrastive"), !contrastive_key.empty());
    const auto near = [&](double value, const std::string& name) {
      const double expected = scalar(variant + "/" + name);
      EXPECT_NEAR(value, expected, 1e-4 * std::max(1e-2, std::abs(expected))) << name;
    };
    near(losses.at("loss_x"), "loss_x");
    near(losses.at("loss_u"), "loss_u");
    near(losses.at("penalty"), "penalty");
    if (!contrastive_key.empty()) near(losses.at("contrastive"), contrastive_key);
    near(losses.at("loss"), "loss");
    expect_after(k, variant);
    for (const auto& [name, tensor] : j.network.named().state_dict()) {
      const auto bytes = static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype());
      EXPECT_EQ(std::memcmp(tensor.raw(), j_before.at(name).raw(), bytes), 0) << name;
    }
  }

  /// Compares running statistics, momentum and weights after the step with those in the file.
  /// Weights that it omits follow from the momentum: k - lr * momentum. Also compares the change of
  /// each weight, which is small relative to the weight.
  void expect_after(IterationStart& start, const std::string& variant) const {
    const TensorMap state = start.network.named().state_dict();
    for (const auto& [name, expected] : after(variant + "/k_after/")) {
      EXPECT_LT(relative_error(state.at(name), expected), 1e-3) << name;
    }
    const TensorMap before = golden_.with_prefix(prefix_ + "k_momentum/");
    const TensorMap momentum = start.named_momentum().state_dict();
    for (const auto& [name, expected] : after(variant + "/k_momentum_after/")) {
      EXPECT_LT(relative_error(momentum.at(name), expected), 1e-3) << name;
      const Tensor& old = (*this)["k/" + name];
      // Weight and momentum do not change without a gradient.
      const bool moves = relative_error(before.at(name), expected) > 0.0;
      const Tensor step = scale(expected.clone(), moves ? -scalar("lr") : 0.0);
      EXPECT_LT(relative_error(difference(state.at(name), old), step), 1e-2) << name;
    }
  }

  /// Returns the file's state after an iteration, by name.
  TensorMap after(const std::string& key) const { return golden_.with_prefix(prefix_ + key); }

 private:
  /// Returns float32 a - b on the CPU.
  static Tensor difference(const Tensor& a, const Tensor& b) {
    return add(a.to(Device{}).clone(), scale(b.clone(), -1.0));
  }

  IterationStart start(const std::string& name) const {
    PreActResNet network(config_, 1, 0);
    network.named().move_to(test_device());
    network.named().load_state_dict(golden_.with_prefix(prefix_ + name + "/"));
    Sgd optimizer(network.named().parameters(), scalar("momentum"), scalar("weight_decay"));
    return {std::move(network), std::move(optimizer)};
  }

  Golden golden_;
  std::string prefix_;
  PreActResNetConfig config_;
};

}  // namespace bptplr
