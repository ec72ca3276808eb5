#include "bpt_plr/train/evaluation.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/row_shards.hpp"

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

/// This rank's part of samples that the ranks of a group share out.
struct OwnSamples {
  std::span<const std::int64_t> samples;
  std::int64_t steps;  ///< of kBatch samples, of the rank with most
  Shards shards;

  OwnSamples(std::span<const std::int64_t> all, Communicator& group, Device device)
      : shards(group.shards({std::ssize(all)}, device)) {
    const RowRange own = slice_of_rank(std::ssize(all), group.rank(), group.size());
    samples =
        all.subspan(static_cast<std::size_t>(own.begin), static_cast<std::size_t>(own.size()));
    const std::int64_t most = shards == nullptr ? own.size() : shards->most_rows();
    steps = (most + kBatch - 1) / kBatch;
  }
};

/// Calls fn(first, views of a batch) for batches of this rank's samples, and done(samples done)
/// after each; `first` is the position of the batch's first sample among them.
template <class Fn, class Done>
void for_each_batch(const ViewMaker& views, const OwnSamples& own, Fn&& fn, Done&& done) {
  const std::int64_t total = std::ssize(own.samples);
  const auto batch_from = [&](std::int64_t first) {
    return own.samples.subspan(static_cast<std::size_t>(first),
                               static_cast<std::size_t>(std::min(kBatch, total - first)));
  };
  for (std::int64_t step = 0; step < own.steps; ++step) {
    const std::int64_t first = std::min(step * kBatch, total);
    const auto batch = batch_from(first);
    views.prefetch(batch_from(std::min(first + kBatch, total)));
    if (!batch.empty()) {
      const Tensor x = views.empty(std::ssize(batch));
      views.make(batch, View::kTest, {}, x);
      fn(first, x);
    }
    done(first + std::ssize(batch));
  }
}

}  // namespace

Network::Output evaluate(Network& network, const ViewMaker& views,
                         std::span<const std::int64_t> samples, const EvaluationProgress& progress,
                         Communicator& group) {
  const Range range("evaluate");
  const NoGrad no_grad;
  const HeadConfig& heads = network.heads();
  const OwnSamples own(samples, group, views.device());
  const std::int64_t count = std::ssize(own.samples);
  Network::Output all{Tensor::empty({count, heads.num_classes}, DType::kFloat32, views.device()),
                      Tensor::empty({count, heads.low_dim}, DType::kFloat32, views.device())};
  const std::int64_t total = std::ssize(samples);
  for_each_batch(
      views, own,
      [&](std::int64_t first, const Tensor& x) {
        const Network::Output part = network.forward(x, {false, 1});
        const std::int64_t end = first + x.size(0);
        all.logits.rows(first, end).copy_from(part.logits);
        all.projection.rows(first, end).copy_from(part.projection);
      },
      [&](std::int64_t done) {
        if (progress) progress(std::min(done * group.size(), total), total);
      });
  return {all_gather(all.logits, own.shards), all_gather(all.projection, own.shards)};
}

Network::Output evaluate(Network& network, const ViewMaker& views) {
  return evaluate(network, views, all_samples(views));
}

Tensor prototype_logits(const Tensor& projection, const Tensor& prototypes, double temperature) {
  const Range range("prototypes");
  const NoGrad no_grad;
  return scale(linear(projection, prototypes, {}), 1.0 / temperature);
}

Tensor summed_logits(const std::vector<Network*>& networks, const ViewMaker& views,
                     Communicator& group) {
  const NoGrad no_grad;
  const std::vector<std::int64_t> samples = all_samples(views);
  const OwnSamples own(samples, group, views.device());
  Tensor all = Tensor::empty({std::ssize(own.samples), networks.front()->heads().num_classes},
                             DType::kFloat32, views.device());
  for_each_batch(
      views, own,
      [&](std::int64_t first, const Tensor& x) {
        Tensor sum = networks.front()->classify(x, {false, 1});
        for (std::size_t k = 1; k < networks.size(); ++k) {
          sum = add_(sum, networks[k]->classify(x, {false, 1}));
        }
        all.rows(first, first + x.size(0)).copy_from(sum);
      },
      [](std::int64_t /*done*/) {});
  return all_gather(all, own.shards).to(Device{});
}

double test_accuracy(const std::vector<Network*>& networks, const ViewMaker& views,
                     std::span<const std::int64_t> labels, Communicator& group) {
  const Range range("test");
  const Tensor all = summed_logits(networks, views, group);
  std::int64_t correct = 0;
  for (std::int64_t i = 0; i < all.size(0); ++i) {
    const auto row = all.rows(i, i + 1).span<float>();
    const std::int64_t predicted = std::ranges::max_element(row) - row.begin();
    if (predicted == labels[static_cast<std::size_t>(i)]) ++correct;
  }
  return 100.0 * static_cast<double>(correct) / static_cast<double>(labels.size());
}

}  // namespace bptplr
