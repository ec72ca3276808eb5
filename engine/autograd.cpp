#include "engine/autograd.hpp"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/dispatch.hpp"
#include "engine/error.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "kernels/elementwise.hpp"

namespace bptplr {
namespace {

thread_local bool recording = true;
thread_local std::uint64_t next_number = 0;

/// Adds grad to slot. The first gradient is kept as it is; only memory that nothing else shares is
/// added to in place.
void accumulate(Tensor& slot, Tensor grad) {
  if (!slot.defined()) {
    slot = std::move(grad);
    return;
  }
  const Range range("elementwise", moved(3 * slot.numel(), slot.dtype()));
  Tensor sum = slot.unique_storage() ? slot : Tensor::empty_like(slot);
  dispatch_activation(slot, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::add(ctx, slot.data<T>(), grad.data<T>(), sum.data<T>(), sum.numel());
  });
  slot = std::move(sum);
}

/// Adds grad to the gradient of a leaf, which may have memory of its own.
void accumulate_leaf(Tensor& leaf, Tensor grad) {
  Tensor memory = leaf.grad_memory();
  Tensor& slot = leaf.mutable_grad();
  if (!memory.defined()) {
    accumulate(slot, std::move(grad));
  } else if (slot.defined()) {
    const Range range("elementwise", moved(3 * slot.numel(), slot.dtype()));
    dispatch_float(slot, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::add(ctx, slot.data<T>(), grad.data<T>(), slot.data<T>(), slot.numel());
    });
  } else {
    if (grad.raw() != memory.raw()) memory.copy_from(grad);
    slot = std::move(memory);
  }
}

/// Passes a gradient to a node; if the node takes two gradients, leaves their sum to its function.
void accumulate(Node& node, Tensor grad) {
  const bool apart = node.takes_two && node.grad.defined() && !node.more.defined();
  accumulate(apart ? node.more : node.grad, std::move(grad));
}

Edge edge_to(const Tensor& input) {
  if (!input.requires_grad()) return {};
  if (input.node() != nullptr) return {input.node(), {}};
  return {nullptr, input};
}

/// Returns whether a result needs a node: recording is on and some input requires a gradient.
bool wanted(const std::vector<Tensor>& inputs) {
  return recording && std::any_of(inputs.begin(), inputs.end(),
                                  [](const Tensor& input) { return input.requires_grad(); });
}

Tensor record_node(Tensor result, const std::vector<Tensor>& inputs, BackwardOfTwoFn backward,
                   bool takes_two) {
  auto node = std::make_shared<Node>();
  node->number = next_number++;
  for (const Tensor& input : inputs) node->inputs.push_back(edge_to(input));
  node->backward = std::move(backward);
  node->takes_two = takes_two;
  result.set_node(std::move(node));
  return result;
}

/// Counts the functions that are still to give a leaf its gradient.
class LeafCounts {
 public:
  LeafCounts(const Tensor& result, const LeafDone& done) : done_(done) {
    if (!done_) return;
    std::vector<const Node*> open;
    std::unordered_set<const Node*> seen;
    const auto meet = [&](const Edge& edge) {
      if (edge.leaf.defined()) ++left_[edge.leaf.raw()];
      if (edge.node != nullptr && seen.insert(edge.node.get()).second) {
        open.push_back(edge.node.get());
      }
    };
    meet(edge_to(result));
    while (!open.empty()) {
      const Node* node = open.back();
      open.pop_back();
      std::ranges::for_each(node->inputs, meet);
    }
  }

  void note(const Tensor& leaf) {
    if (done_ && --left_[leaf.raw()] == 0) done_(leaf);
  }

 private:
  const LeafDone& done_;
  std::unordered_map<const void*, std::int64_t> left_;  ///< by the address of the leaf's elements
};

struct LaterFirst {
  bool operator()(const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) const {
    return a->number < b->number;
  }
};

}  // namespace

bool grad_enabled() {
  return recording;
}

NoGrad::NoGrad() : before_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() {
  recording = before_;
}

Tensor record(Tensor result, const std::vector<Tensor>& inputs, BackwardFn backward) {
  if (!wanted(inputs)) return result;
  auto with_one = [backward = std::move(backward)](const Tensor& grad, const Tensor& /*more*/) {
    return backward(grad);
  };
  return record_node(std::move(result), inputs, std::move(with_one), false);
}

Tensor record(Tensor result, const std::vector<Tensor>& inputs, BackwardOfTwoFn backward) {
  if (!wanted(inputs)) return result;
  return record_node(std::move(result), inputs, std::move(backward), true);
}

SavedTensor::SavedTensor(const Tensor& tensor) : recompute_(tensor.recompute()) {
  if (!recompute_) tensor_ = tensor.detach();
}

Tensor empty_gradient(const Tensor& leaf) {
  const Tensor& memory = leaf.grad_memory();
  return memory.defined() && !leaf.grad().defined() ? memory : Tensor::empty_like(leaf);
}

void backward(const Tensor& loss, const LeafDone& done) {
  require(loss.numel() == 1, "backward needs a single number, not a tensor of shape {}",
          to_string(loss.shape()));
  backward(loss, Tensor::full(loss.shape(), 1.0, loss.dtype(), loss.device()), done);
}

void backward(const Tensor& result, Tensor grad, const LeafDone& done) {
  const Range range("backward");
  require(result.requires_grad(), "backward was called on a tensor that no parameter leads to");
  std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, LaterFirst> open;
  std::unordered_set<const Node*> seen;
  LeafCounts counts(result, done);
  const auto deliver = [&](Edge& edge, Tensor gradient) {
    if (edge.leaf.defined()) {
      if (gradient.defined()) accumulate_leaf(edge.leaf, std::move(gradient));
      return counts.note(edge.leaf);
    }
    if (!gradient.defined()) return;
    if (edge.node == nullptr) return;
    require(static_cast<bool>(edge.node->backward),
            "backward was called twice through the same part of the tape");
    accumulate(*edge.node, std::move(gradient));
    if (seen.insert(edge.node.get()).second) open.push(edge.node);
  };

  Edge start = edge_to(result);
  deliver(start, std::move(grad));
  const NoGrad no_grad;
  while (!open.empty()) {
    const std::shared_ptr<Node> node = open.top();
    open.pop();
    const Tensor node_grad = std::exchange(node->grad, {});
    const Tensor more = std::exchange(node->more, {});
    std::vector<Tensor> grads = std::exchange(node->backward, {})(node_grad, more);
    std::vector<Edge> inputs = std::exchange(node->inputs, {});
    for (std::size_t i = 0; i < inputs.size(); ++i) deliver(inputs[i], std::move(grads[i]));
  }
}

}  // namespace bptplr
