// Reverse-mode differentiation over a tape.
//
// Each differentiable function computes its result at once and, where a gradient is wanted, records
// a Node: its inputs and a closure that turns the gradient of the result into those of the inputs.
// Nodes are numbered in the order they were recorded; `backward` visits the reachable ones from the
// highest number down and frees each as soon as it is done.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

/// Maps the gradient of a function's result to the gradients of its inputs, in their order. An
/// undefined tensor stands for an input without a gradient.
using BackwardFn = std::function<std::vector<Tensor>(const Tensor& grad)>;

/// Backward function that receives the gradient as the sum `grad` + `more` (`more` undefined:
/// `grad` is all of it), where two functions read the result. It adds them in a pass that it makes
/// anyway.
using BackwardOfTwoFn = std::function<std::vector<Tensor>(const Tensor& grad, const Tensor& more)>;

/// Destination of the gradient of an input: the function that computed it, a leaf, or (neither)
/// none. An edge does not keep the elements of an intermediate result alive; the closure decides
/// whether it needs them.
struct Edge {
  std::shared_ptr<Node> node;
  Tensor leaf;
};

/// Recorded function.
struct Node {
  std::uint64_t number = 0;
  std::vector<Edge> inputs;
  BackwardOfTwoFn backward;
  bool takes_two = false;  ///< whether `backward` uses `more`
  Tensor grad, more;       ///< of the result, while `backward` runs
};

/// Returns whether functions are recorded: a setting of each thread, on by default.
bool grad_enabled();

/// Turns recording off during its lifetime, for evaluation and for targets.
class NoGrad {
 public:
  NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;
  ~NoGrad();

 private:
  bool before_;
};

/// Records `backward` as the link from `result` to `inputs`, if recording is on and some input
/// requires a gradient. The closure must not hold `result` itself (a cycle): capture
/// result.detach().
Tensor record(Tensor result, const std::vector<Tensor>& inputs, BackwardFn backward);
Tensor record(Tensor result, const std::vector<Tensor>& inputs, BackwardOfTwoFn backward);

/// Tensor that a closure needs in the backward pass: keeps the elements or, for a tensor with a
/// function to recompute them, only that function. Recomputing activations after a BatchNorm saves
/// half of a network's memory for a few percent of the time of a convolution.
class SavedTensor {
 public:
  explicit SavedTensor(const Tensor& tensor);
  Tensor get() const { return recompute_ ? recompute_() : tensor_; }

 private:
  Tensor tensor_;
  std::function<Tensor()> recompute_;
};

/// Returns memory for a gradient of `leaf`: its own (Tensor::grad_memory) unless a gradient lies
/// there already, otherwise new memory.
Tensor empty_gradient(const Tensor& leaf);

/// Receives a leaf whose gradient nothing more will be added to.
using LeafDone = std::function<void(const Tensor& leaf)>;

/// Adds d(loss)/d(leaf) to the gradient of every leaf that `loss`, a single number, was computed
/// from. Frees the tape behind it. `done`, unless empty, is called for each of these leaves as soon
/// as it has its gradient, while others are still computed.
void backward(const Tensor& loss, const LeafDone& done = {});
/// Adds the gradients of the leaves of `result`, of any shape, given `grad`, the gradient with
/// respect to it.
void backward(const Tensor& result, Tensor grad, const LeafDone& done = {});

}  // namespace bptplr
