#include "bpt_plr/train/evaluation.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/ops.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
namespace {

/// Number of samples in a forward pass: enough to use all cores, and little enough memory not to
/// exceed that of training.
constexpr std::int64_t kBatch = 250;

/// Returns the indices of all samples.
std::vector<std::int64_t> all_samples(const ViewMaker& views) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(views.count()));
  std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
  return numbers;
}

/// Calls fn(first, views of a batch) for batches of `samples`; `first` is the position of
/// the batch's first sample in `samples`.
template <class Fn>
void for_each_batch(const ViewMaker& views, std::span<const std::int64_t> samples, Fn&& fn) {
  const std::int64_t total = std::ssize(samples);
  const auto batch_from = [&](std::int64_t first) {
    return samples.subspan(static_cast<std::size_t>(first),
                           static_cast<std::size_t>(std::min(kBatch, total - first)));
  };
  for (std::int64_t first = 0; first < total; first += kBatch) {
    const auto batch = batch_from(first);
    views.prefetch(batch_from(std::min(first + kBatch, total)));
    const Tensor x = views.empty(std::ssize(batch));
    views.make(batch, View::kTest, {}, x);
    fn(first, x);
  }
}

}  // namespace

Network::Output evaluate(Network& network, const ViewMaker& views,
                         std::span<const std::int64_t> samples,
                         const EvaluationProgress& progress) {
  const Range range("evaluate");
  const NoGrad no_grad;
  const HeadConfig& heads = network.heads();
  const std::int64_t total = std::ssize(samples);
  Network::Output all{Tensor::empty({total, heads.num_classes}, DType::kFloat32, views.device()),
                      Tensor::empty({total, heads.low_dim}, DType::kFloat32, views.device())};
  for_each_batch(views, samples, [&](std::int64_t first, const Tensor& x) {
    const Network::Output part = network.forward(x, {false, 1});
    const std::int64_t end = first + x.size(0);
    all.logits.rows(first, end).copy_from(part.logits);
    all.projection.rows(first, end).copy_from(part.projection);
    if (progress) progress(end, total);
  });
  return all;
}

Network::Output evaluate(Network& network, const ViewMaker& views) {
  return evaluate(network, views, all_samples(views));
}

Tensor prototype_logits(const Tensor& projection, const Tensor& prototypes, double temperature) {
  const Range range("prototypes");
  const NoGrad no_grad;
  return scale(linear(projection, prototypes, {}), 1.0 / temperature);
}

Tensor summed_logits(const std::vector<Network*>& networks, const ViewMaker& views) {
  const NoGrad no_grad;
  const std::int64_t classes = networks.front()->heads().num_classes;
  Tensor all = Tensor::empty({views.count(), classes}, DType::kFloat32, views.device());
  for_each_batch(views, all_samples(views), [&](std::int64_t first, const Tensor& x) {
    Tensor sum = networks.front()->classify(x, {false, 1});
    for (std::size_t k = 1; k < networks.size(); ++k) {
      sum = add_(sum, networks[k]->classify(x, {false, 1}));
    }
    all.rows(first, first + x.size(0)).copy_from(sum);
  });
  return all.to(Device{});
}

double test_accuracy(const std::vector<Network*>& networks, const ViewMaker& views,
                     std::span<const std::int64_t> labels) {
  const Range range("test");
  const Tensor all = summed_logits(networks, views);
  std::int64_t correct = 0;
  for (std::int64_t i = 0; i < all.size(0); ++i) {
    const auto row = all.rows(i, i + 1).span<float>();
    const std::int64_t predicted = std::ranges::max_element(row) - row.begin();
    if (predicted == labels[static_cast<std::size_t>(i)]) ++correct;
  }
  return 100.0 * static_cast<double>(correct) / static_cast<double>(labels.size());
}

}  // namespace bptplr
