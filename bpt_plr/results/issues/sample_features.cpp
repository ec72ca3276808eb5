#include "bpt_plr/results/issues/sample_features.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "bpt_plr/train/view_maker.hpp"
#include "engine/ops.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

constexpr std::int64_t kBatch = 250;

Tensor normalised_vectors(const Dataset& dataset) {
  const Split& split = dataset.train;
  const std::int64_t dim = split.vectors.dim;
  Tensor features = Tensor::empty({split.size(), dim});
  float* to = features.data<float>();
  kernels::parallel_for(split.size(), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      split.read_normalised(i, dataset.mean, dataset.std,
                            std::span(to + i * dim, static_cast<std::size_t>(dim)));
    }
  });
  return features;
}

}  // namespace

Tensor sample_features(const Networks& networks, const Recipe& recipe, const TrainingData& data,
                       const EvaluationProgress& progress) {
  const Split& split = data.dataset.train;
  if (split.has_vectors()) return normalised_vectors(data.dataset);
  const NoGrad no_grad;
  const auto views = make_view_maker(recipe, data.dataset, split);
  std::vector<Tensor> parts;
  for (std::int64_t first = 0; first < split.size(); first += kBatch) {
    std::vector<std::int64_t> batch(
        static_cast<std::size_t>(std::min(kBatch, split.size() - first)));
    std::iota(batch.begin(), batch.end(), first);
    const Tensor x = views->empty(std::ssize(batch));
    views->make(batch, View::kTest, {}, x);
    parts.push_back(networks.front()->embed(x).to(DType::kFloat32).to(Device{}));
    if (progress) progress(first + std::ssize(batch), split.size());
  }
  return concat(parts);
}

}  // namespace bptplr
