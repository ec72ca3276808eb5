#include "bpt_plr/train/benchmark/benchmark_data.hpp"

#include <algorithm>
#include <utility>

#include "engine/ops.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

/// Number of distinct rows of outputs.
constexpr std::int64_t kRows = 4096;
/// Margin of the label's logit where the label is right, and the share of right labels.
constexpr float kMargin = 4.0F;
constexpr float kRightLabels = 0.6F;

/// Purpose of a random stream.
enum Draw : std::uint32_t { kPixels, kLabels, kOutputs };

Philox random_of(Draw draw, std::uint32_t network = 0) {
  return {1, Purpose::kTest, draw, network};
}

Tensor random_rows(std::int64_t rows, std::int64_t length, Philox& random) {
  Tensor values = Tensor::empty({rows, length});
  std::generate_n(values.data<float>(), values.numel(),
                  [&] { return static_cast<float>(random.normal()); });
  return values;
}

}  // namespace

Images random_images(std::int64_t count, int side) {
  Philox random = random_of(kPixels);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * side * side * 3));
  std::generate(pixels.begin(), pixels.end(),
                [&] { return static_cast<std::uint8_t>(random.next() >> 24U); });
  return Images::in_memory(side, side, std::move(pixels));
}

Vectors random_vectors(std::int64_t count, std::int64_t dim) {
  Philox random = random_of(kPixels);
  std::vector<float> values(static_cast<std::size_t>(count * dim));
  std::generate(values.begin(), values.end(), [&] { return random.uniform(); });
  return Vectors::in_memory(dim, std::move(values));
}

EpochSamples random_samples(std::int64_t count, std::int64_t images, std::int64_t classes) {
  Philox random = random_of(kLabels);
  EpochSamples samples;
  for (std::int64_t i = 0; i < count; ++i) {
    samples.indices.push_back(i % images);
    // Sample i has the outputs, and so the label, of row i % kRows.
    samples.noisy_labels.push_back(i < kRows
                                       ? random.below(static_cast<std::uint32_t>(classes))
                                       : samples.noisy_labels[static_cast<std::size_t>(i - kRows)]);
  }
  samples.true_labels.assign(samples.indices.size(), -1);
  return samples;
}

KeptOutputs random_outputs(const EpochSamples& samples, std::int64_t classes, std::int64_t low_dim,
                           std::uint32_t network, Device device) {
  const std::int64_t rows = std::min(samples.size(), kRows);
  Philox random = random_of(kOutputs, network);
  Tensor logits = random_rows(rows, classes, random);
  for (std::int64_t i = 0; i < rows; ++i) {
    if (random.uniform() >= kRightLabels) continue;
    logits.data<float>()[i * classes + samples.noisy_labels[static_cast<std::size_t>(i)]] +=
        kMargin;
  }
  const Tensor projection = l2_normalize(random_rows(rows, low_dim, random));
  std::vector<std::int64_t> index;
  for (std::int64_t i = 0; i < samples.size(); ++i) index.push_back(i % rows);
  const Tensor repeated = Tensor::from(index, {samples.size()}).to(device);
  return {
      gather_rows(logits.to(device), repeated), {}, gather_rows(projection.to(device), repeated)};
}

}  // namespace bptplr
