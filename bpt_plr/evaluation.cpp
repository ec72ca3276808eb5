#include "bpt_plr/evaluation.hpp"

#include <algorithm>
#include <numeric>

#include "data/views.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

/// Images in one forward pass: enough to keep all cores busy, few enough to stay below the memory
/// that training takes.
constexpr std::int64_t kBatch = 250;

/// Calls fn(first, batch of images as floats) for the whole set.
template <class Fn>
void for_each_batch(const Dataset& dataset, const Images& images, Fn&& fn) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(std::min(kBatch, images.count)));
  for (std::int64_t first = 0; first < images.count; first += kBatch) {
    const std::int64_t count = std::min(kBatch, images.count - first);
    indices.resize(static_cast<std::size_t>(count));
    std::iota(indices.begin(), indices.end(), first);
    Tensor x = Tensor::empty({count, images.height, images.width, 3});
    make_views(images, indices, View::kTest, {}, dataset.mean, dataset.std, x.data<float>());
    fn(first, x);
  }
}

}  // namespace

PreActResNet::Output evaluate(PreActResNet& network, const Dataset& dataset, const Images& images,
                              const EvaluationProgress& progress) {
  const NoGrad no_grad;
  const PreActResNetConfig& config = network.config();
  PreActResNet::Output all{Tensor::empty({images.count, config.num_classes}),
                           Tensor::empty({images.count, config.low_dim})};
  for_each_batch(dataset, images, [&](std::int64_t first, const Tensor& x) {
    const PreActResNet::Output part = network.forward(x, {false, 1});
    const std::int64_t end = first + x.size(0);
    all.logits.rows(first, end).copy_from(part.logits);
    all.projection.rows(first, end).copy_from(part.projection);
    if (progress) progress(end, images.count);
  });
  return all;
}

Tensor prototype_logits(const Tensor& projection, const Tensor& prototypes, double temperature) {
  const NoGrad no_grad;
  return scale(linear(projection, prototypes, {}), 1.0 / temperature);
}

double test_accuracy(const std::vector<PreActResNet*>& networks, const Dataset& dataset,
                     const Split& split) {
  const NoGrad no_grad;
  std::int64_t correct = 0;
  for_each_batch(dataset, split.images, [&](std::int64_t first, const Tensor& x) {
    Tensor sum = networks.front()->classify(x, {false, 1});
    for (std::size_t k = 1; k < networks.size(); ++k) {
      sum = add_(sum, networks[k]->classify(x, {false, 1}));
    }
    const std::int64_t classes = sum.size(1);
    for (std::int64_t i = 0; i < sum.size(0); ++i) {
      const float* row = sum.data<float>() + i * classes;
      const std::int64_t predicted = std::max_element(row, row + classes) - row;
      if (predicted == split.labels[static_cast<std::size_t>(first + i)]) ++correct;
    }
  });
  return 100.0 * static_cast<double>(correct) / static_cast<double>(split.images.count);
}

}  // namespace bptplr
