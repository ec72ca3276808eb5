// Every layer and its gradients against PyTorch, on awkward shapes.
#include <gtest/gtest.h>

#include "engine/ops.hpp"
#include "tests/device.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

constexpr double kTolerance = 2e-6;
/// Two rows a channel, or a mean far from zero, cost float32 a few digits, in PyTorch too.
constexpr double kBatchNormTolerance = 5e-5;

const Golden& golden() {
  static const Golden file("ops");
  return file;
}

/// OIHW, as the golden files store convolution weights, to KRSC, and back.
Tensor permute_weights(const Tensor& w, bool to_krsc) {
  const std::int64_t k = w.size(0);
  const std::int64_t c = to_krsc ? w.size(1) : w.size(3);
  const std::int64_t taps = w.numel() / k / c;
  const std::int64_t side = to_krsc ? w.size(2) : w.size(1);
  Tensor out = Tensor::empty(to_krsc ? Shape{k, side, side, c} : Shape{k, c, side, side});
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t t = 0; t < taps; ++t) {
      for (std::int64_t j = 0; j < c; ++j) {
        const std::int64_t krsc = (i * taps + t) * c + j;
        const std::int64_t oihw = (i * c + j) * taps + t;
        if (to_krsc) {
          out.data<float>()[krsc] = w.data<float>()[oihw];
        } else {
          out.data<float>()[oihw] = w.data<float>()[krsc];
        }
      }
    }
  }
  return out;
}

/// A tensor of the golden file on the device under test.
Tensor input(const std::string& key) {
  return golden()[key].to(test_device()).clone();
}

Tensor leaf(const Tensor& t) {
  return t.to(test_device()).clone().set_requires_grad(true);
}

/// Runs `fn` for every case of an op, with the prefix of its keys.
template <class Fn>
void for_each_case(const std::string& op, Fn&& fn) {
  const auto cases = golden().cases(op);
  ASSERT_FALSE(cases.empty()) << op;
  for (const std::string& name : cases) {
    SCOPED_TRACE(op + "/" + name);
    fn(op + "/" + name + "/");
  }
}

void expect_close(const Tensor& actual, const std::string& key, double tolerance = kTolerance) {
  EXPECT_EQ(actual.shape(), golden()[key].shape()) << key;
  EXPECT_LT(relative_error(actual, golden()[key]), tolerance) << key;
}

TEST(OpsGolden, Conv2d) {
  for_each_case("conv2d", [](const std::string& key) {
    const auto args = golden()[key + "args"].span<std::int64_t>();
    const Tensor x = leaf(golden()[key + "x"]);
    const Tensor w = leaf(permute_weights(golden()[key + "w"], true));
    const Tensor y = conv2d(x, w, args[1], args[2]);
    expect_close(y, key + "y");
    backward(y, input(key + "dy"));
    expect_close(x.grad(), key + "dx");
    expect_close(permute_weights(w.grad().to(Device{}), false), key + "dw");
  });
}

TEST(OpsGolden, Conv2dWithBias) {
  for_each_case("conv2d_bias", [](const std::string& key) {
    const auto args = golden()[key + "args"].span<std::int64_t>();
    const Tensor x = leaf(golden()[key + "x"]);
    const Tensor w = leaf(permute_weights(golden()[key + "w"], true));
    const Tensor b = leaf(golden()[key + "b"]);
    const Tensor y = add_bias_(conv2d(x, w, args[1], args[2]), b);
    expect_close(y, key + "y");
    backward(y, input(key + "dy"));
    expect_close(x.grad(), key + "dx");
    expect_close(permute_weights(w.grad().to(Device{}), false), key + "dw");
    expect_close(b.grad(), key + "db");
  });
}

TEST(OpsGolden, Linear) {
  for_each_case("linear", [](const std::string& key) {
    const Tensor x = leaf(golden()[key + "x"]);
    const Tensor w = leaf(golden()[key + "w"]);
    const Tensor b = leaf(golden()[key + "b"]);
    const Tensor y = linear(x, w, b);
    expect_close(y, key + "y");
    backward(y, input(key + "dy"));
    expect_close(x.grad(), key + "dx");
    expect_close(w.grad(), key + "dw");
    expect_close(b.grad(), key + "db");
  });
}

void check_batch_norm(const std::string& op, bool training, bool with_relu) {
  for_each_case(op, [&](const std::string& key) {
    const Tensor x = leaf(golden()[key + "x"]);
    const Tensor weight = leaf(golden()[key + "weight"]);
    const Tensor bias = leaf(golden()[key + "bias"]);
    Tensor running_mean = input(key + "running_mean");
    Tensor running_var = input(key + "running_var");
    BatchNormOptions options;
    options.training = training;
    options.relu = with_relu;
    if (training) options.groups = golden()[key + "args"].span<std::int64_t>()[0];
    const Tensor y = batch_norm(x, weight, bias, running_mean, running_var, options);
    expect_close(y, key + "y", kBatchNormTolerance);
    if (training) {
      expect_close(running_mean, key + "running_mean_after", kBatchNormTolerance);
      expect_close(running_var, key + "running_var_after", kBatchNormTolerance);
    }
    backward(y, input(key + "dy"));
    expect_close(x.grad(), key + "dx", kBatchNormTolerance);
    expect_close(weight.grad(), key + "dweight", kBatchNormTolerance);
    expect_close(bias.grad(), key + "dbias", kBatchNormTolerance);
  });
}

TEST(OpsGolden, BatchNormTraining) {
  check_batch_norm("batch_norm_train", true, false);
}
TEST(OpsGolden, BatchNormEvaluation) {
  check_batch_norm("batch_norm_eval", false, false);
}
TEST(OpsGolden, BatchNormReluTraining) {
  check_batch_norm("batch_norm_relu_train", true, true);
}
TEST(OpsGolden, BatchNormReluEvaluation) {
  check_batch_norm("batch_norm_relu_eval", false, true);
}

/// Ops of one input and no parameters.
template <class Op>
void check_unary(const std::string& op, Op&& apply) {
  for_each_case(op, [&](const std::string& key) {
    const Tensor x = leaf(golden()[key + "x"]);
    const Tensor y = apply(x, key);
    expect_close(y, key + "y");
    backward(y, input(key + "dy"));
    expect_close(x.grad(), key + "dx");
  });
}

TEST(OpsGolden, Unary) {
  check_unary("relu", [](const Tensor& x, const std::string&) { return relu(x); });
  check_unary("l2_normalize", [](const Tensor& x, const std::string&) { return l2_normalize(x); });
  check_unary("global_avg_pool",
              [](const Tensor& x, const std::string&) { return global_avg_pool2d(x); });
  check_unary("adaptive_avg_pool2d", [](const Tensor& x, const std::string& key) {
    return adaptive_avg_pool2d(x, golden()[key + "args"].span<std::int64_t>()[0]);
  });
  check_unary("max_pool2d", [](const Tensor& x, const std::string& key) {
    const auto args = golden()[key + "args"].span<std::int64_t>();
    return max_pool2d(x, args[0], args[1], args[2]);
  });
}

TEST(OpsGolden, Add) {
  for_each_case("add", [](const std::string& key) {
    expect_close(add(input(key + "a"), input(key + "b")), key + "y");
    expect_close(add_(input(key + "a"), input(key + "b")), key + "y");
  });
}

TEST(OpsGolden, SoftCrossEntropy) {
  for_each_case("soft_cross_entropy", [](const std::string& key) {
    const Tensor logits = leaf(golden()[key + "logits"]);
    const Tensor loss = soft_cross_entropy(logits, input(key + "targets"));
    expect_close(loss, key + "value");
    backward(loss);
    expect_close(logits.grad(), key + "dlogits");
  });
}

}  // namespace
}  // namespace bptplr
