#include "bpt_plr/results/report/suspects.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "bpt_plr/results/report/page.hpp"
#include "data/images/batch.hpp"

namespace bptplr {
namespace {

/// Side of the pictures of samples that the data set holds as vectors.
constexpr int kPictureSide = 96;

/// Returns an image as the data set holds it.
Image image_of(const Images& images, std::int64_t i) {
  const std::uint8_t* pixels = images.image(i);
  return {images.height, images.width, {pixels, pixels + images.bytes_per_image()}};
}

/// Returns the pictures of these samples, of those that have any, by sample.
std::map<std::int64_t, std::string> pictures_of(const Split& split,
                                                std::span<const std::int64_t> samples) {
  std::map<std::int64_t, std::string> pictures;
  if (!split.has_vectors()) {
    for (const std::int64_t i : samples) pictures[i] = data_uri(image_of(split.images, i));
    return pictures;
  }
  if (split.files.empty()) return pictures;
  std::vector<std::filesystem::path> files;
  for (const std::int64_t i : samples) {
    files.emplace_back(split.files[static_cast<std::size_t>(i)]);
  }
  const ImageBatch batch = read_image_batch(files, kPictureSide, true);
  for (std::int64_t k = 0; k < batch.images.count; ++k) {
    const auto place = static_cast<std::size_t>(batch.kept[static_cast<std::size_t>(k)]);
    pictures[samples[place]] = data_uri(image_of(batch.images, k));
  }
  return pictures;
}

}  // namespace

std::array<int, 2> picture_sides(const Split& samples) {
  if (samples.has_vectors()) return {kPictureSide, kPictureSide};
  return {samples.images.width, samples.images.height};
}

nlohmann::ordered_json suspect_items(const Audit& audit, const TrainingData& data,
                                     std::int64_t count) {
  const std::int64_t shown = std::min(count, std::ssize(audit.ranking));
  return sample_items(audit, data, std::span(audit.ranking).first(static_cast<std::size_t>(shown)));
}

nlohmann::ordered_json sample_items(const Audit& audit, const TrainingData& data,
                                    std::span<const std::int64_t> samples) {
  const Split& train = data.dataset.train;
  const auto pictures = pictures_of(train, samples);
  auto items = nlohmann::ordered_json::array();
  for (const std::int64_t sample : samples) {
    const auto i = static_cast<std::size_t>(sample);
    nlohmann::ordered_json item{{"sample", sample},
                                {"given", data.noisy_labels[i]},
                                {"suggested", audit.suggested[i]},
                                {"wrong", audit.wrong_probability[i]}};
    item["true"] = nullptr;
    if (data.true_labels[i] >= 0) item["true"] = data.true_labels[i];
    if (!train.files.empty()) item["file"] = train.files[i];
    if (const auto found = pictures.find(sample); found != pictures.end()) {
      item["image"] = found->second;
    }
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace bptplr
