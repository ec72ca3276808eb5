// Reverse-mode differentiation over a tape.
//
// Each differentiable function computes its result at once and, where a gradient is wanted, records
// a Node: its inputs and a closure that turns the gradient of the result into those of the inputs.
// Nodes are numbered in the order they were recorded, so `backward` just goes through the reachable
// ones from the highest number down; it frees each as soon as it is done.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

/// From the gradient of a function's result to the gradients of its inputs, in their order. An
/// undefined tensor stands for an input that has none.
using BackwardFn = std::function<std::vector<Tensor>(const Tensor& grad)>;

/// The same for a gradient that may come in two parts, `grad` + `more` (undefined: there is one
/// only), because two others read the result. Such a function adds them up in a pass that it makes
/// anyway.
using BackwardOfTwoFn = std::function<std::vector<Tensor>(const Tensor& grad, const Tensor& more)>;

/// Where the gradient of an input goes: to the function that computed it, to a leaf, or (neither)
/// nowhere. An edge does not keep the elements of an intermediate result alive; whether those are
/// needed is the closure's business.
struct Edge {
  std::shared_ptr<Node> node;
  Tensor leaf;
};

/// One recorded function.
struct Node {
  std::uint64_t number = 0;
  std::vector<Edge> inputs;
  BackwardOfTwoFn backward;
  bool takes_two = false;  ///< whether `backward` looks at `more`
  Tensor grad, more;       ///< of the result, while `backward` runs
};

/// Whether functions record themselves. On by default, for each thread.
bool grad_enabled();

/// No function records itself while this lives: for evaluation and for targets.
class NoGrad {
 public:
  NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;
  ~NoGrad();

 private:
  bool before_;
};

/// Ties `result` to `inputs` by `backward`, if gradients are on and some input requires one. The
/// closure must not hold `result` itself (a cycle): capture result.detach().
Tensor record(Tensor result, const std::vector<Tensor>& inputs, BackwardFn backward);
Tensor record(Tensor result, const std::vector<Tensor>& inputs, BackwardOfTwoFn backward);

/// A tensor that a closure needs in the backward pass: its elements, or, where it says how to
/// compute them again, just that. Activations after a BatchNorm are kept this way: they take half
/// of a network's memory, and making them a second time costs a few percent of a convolution.
class SavedTensor {
 public:
  explicit SavedTensor(const Tensor& tensor);
  Tensor get() const { return recompute_ ? recompute_() : tensor_; }

 private:
  Tensor tensor_;
  std::function<Tensor()> recompute_;
};

/// Room for a gradient of `leaf`, for those who compute one: the memory that is meant for it
/// (Tensor::grad_memory) as long as no gradient lies there, or else new memory.
Tensor empty_gradient(const Tensor& leaf);

/// Adds d(loss)/d(leaf) to the gradient of every leaf that `loss` was computed from. `loss` must be
/// a single number. The tape behind it is freed.
void backward(const Tensor& loss);
/// The same for a result of any shape, given the gradient with respect to it.
void backward(const Tensor& result, Tensor grad);

}  // namespace bptplr
