#include "bpt_plr/results/report/suspects.hpp"

#include <nlohmann/json.hpp>

#include "bpt_plr/results/report/page.hpp"

namespace bptplr {
namespace {

/// Returns an image as the data set holds it.
Image stored_image(const Images& images, std::int64_t i) {
  const std::uint8_t* pixels = images.image(i);
  return {images.height, images.width, {pixels, pixels + images.bytes_per_image()}};
}

}  // namespace

nlohmann::ordered_json suspect_item(const Audit& audit, const TrainingData& data,
                                    std::int64_t sample) {
  const auto i = static_cast<std::size_t>(sample);
  const Split& train = data.dataset.train;
  nlohmann::ordered_json item{{"sample", sample},
                              {"given", data.noisy_labels[i]},
                              {"suggested", audit.suggested[i]},
                              {"wrong", audit.wrong_probability[i]}};
  item["true"] = nullptr;
  if (data.true_labels[i] >= 0) item["true"] = data.true_labels[i];
  if (!train.files.empty()) item["file"] = train.files[i];
  item["image"] = data_uri(stored_image(train.images, sample));
  return item;
}

}  // namespace bptplr
