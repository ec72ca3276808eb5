// Training iterations of golden files: networks, optimiser and batch as the file has them, and the
// comparison of what an iteration leaves (tests/golden/README.md, "iteration").
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "bpt_plr/method/iteration.hpp"
#include "engine/ops.hpp"
#include "models/preact_resnet.hpp"
#include "tests/device.hpp"
#include "tests/golden.hpp"

namespace bptplr {

/// Network and optimiser before the step.
struct IterationStart {
  PreActResNet network;
  Sgd optimizer;

  /// The momentum buffers under the names of their parameters; reads and writes PyTorch's layout.
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
  /// The tensors of `file` under `prefix`; the network is of this kind.
  GoldenIteration(const std::string& file, std::string prefix, const PreActResNetConfig& config)
      : golden_(file), prefix_(std::move(prefix)), config_(config) {}

  const Tensor& operator[](const std::string& key) const { return golden_[prefix_ + key]; }
  bool has(const std::string& key) const { return golden_.has(prefix_ + key); }
  double scalar(const std::string& key) const { return (*this)[key].item(); }
  std::vector<std::int64_t> integers(const std::string& key) const {
    const auto span = (*this)[key].span<std::int64_t>();
    return {span.begin(), span.end()};
  }
  /// On the device under test.
  Tensor input(const std::string& key) const { return (*this)[key].to(test_device()); }
  Tensor view(const std::string& name) const { return input("views/" + name); }

  IterationStart start_of_j() const { return start("j"); }
  IterationStart start_of_k() const {
    IterationStart k = start("k");
    k.named_momentum().load_state_dict(golden_.with_prefix(prefix_ + "k_momentum/"));
    return k;
  }

  /// All views that the file has; class sets where it has logits for them.
  IterationBatch batch() const {
    IterationBatch batch;
    batch.weak = concat({view("u1"), view("u2"), view("x1"), view("x2")});
    batch.combined = Tensor::empty_like(batch.weak);
    if (has("views/x3")) {
      batch.combined = concat({batch.combined, view("x3"), view("x4"), view("u3"), view("u4")});
    }
    batch.labels = input("y");
    batch.clean_probability = input("w");
    if (has("z_x")) {
      batch.class_sets = make_class_sets(concat({input("z_x"), input("z_u")}),
                                         concat({input("y"), input("y_u")}), integers("kappa")[0]);
    }
    batch.permutation = input("perm");
    const IterationScalars scalars{scalar("lr"), scalar("l"), scalar("lambda"), 1.0};
    batch.scalars = scalars.to_tensor().to(test_device());
    return batch;
  }

  /// The iteration that `recipe` describes, with network k as `k`, and what the file has under
  /// `variant`: losses to 1e-4, the state after to 1e-3. `contrastive_key` names the contrastive
  /// loss there, "" for none. Network j must not change.
  void expect_iteration(IterationStart& k, const Recipe& recipe, const std::string& variant,
                        const std::string& contrastive_key) const {
    IterationStart j = start_of_j();
    const TensorMap j_before = j.network.named().state_dict();
    IterationBatch golden_batch = batch();
    const auto losses = IterationLosses::from(
        queue_iteration(k.network, j.network, k.optimizer, golden_batch, IterationOptions(recipe)));
    const auto near = [&](double value, const std::string& name) {
      const double expected = name.empty() ? 0.0 : scalar(variant + "/" + name);
      EXPECT_NEAR(value, expected, 1e-4 * std::max(1e-2, std::abs(expected))) << name;
    };
    near(losses.loss_x, "loss_x");
    near(losses.loss_u, "loss_u");
    near(losses.penalty, "penalty");
    near(losses.contrastive, contrastive_key);
    near(losses.total, "loss");
    expect_after(k, variant);
    for (const auto& [name, tensor] : j.network.named().state_dict()) {
      const auto bytes = static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype());
      EXPECT_EQ(std::memcmp(tensor.raw(), j_before.at(name).raw(), bytes), 0) << name;
    }
  }

  /// Running statistics, momentum and weights after the step, as far as the file has them. Where it
  /// leaves out the weights they follow from the momentum: k - lr * momentum. What a weight moved
  /// by is compared too, as it is little beside the weight.
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
      // A parameter without a gradient keeps both.
      const bool moves = relative_error(before.at(name), expected) > 0.0;
      const Tensor step = scale(expected.clone(), moves ? -scalar("lr") : 0.0);
      EXPECT_LT(relative_error(difference(state.at(name), old), step), 1e-2) << name;
    }
  }

  /// What the file has of the state after an iteration, by name.
  TensorMap after(const std::string& key) const { return golden_.with_prefix(prefix_ + key); }

 private:
  /// float32 a - b, on the CPU.
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
