#include "bpt_plr/run/predictor.hpp"

#include <algorithm>

#include "data/images/batch.hpp"
#include "data/images/formats.hpp"
#include "engine/error.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Number of files that are decoded and passed through the networks at a time, as in evaluation.
constexpr std::int64_t kPredictBatch = 250;

void require_images(const TrainedModel& model, const std::string& where) {
  require(!model.about().train.has_vectors(),
          "the networks {}take features, not images; ask them from Python, with bptplr.load_model "
          "and predict",
          where);
}

}  // namespace

Predictor::Predictor(const fs::path& model, DeviceChoice device) : model_(model, device) {
  require_images(model_, "in " + model.string() + " ");
}

std::int64_t predict_files(const TrainedModel& model, const std::vector<fs::path>& files,
                           OnBadImage on_bad_image, const LoadReport& report,
                           const std::function<void(const Prediction&)>& receive) {
  require_images(model, "");
  require(!files.empty(), "there are no image files to look at; name some");
  const auto total = std::ssize(files);
  std::int64_t left_out = 0;
  for (std::int64_t first = 0; first < total; first += kPredictBatch) {
    const std::int64_t end = std::min(first + kPredictBatch, total);
    const auto part = std::span(files).subspan(static_cast<std::size_t>(first),
                                               static_cast<std::size_t>(end - first));
    const ImageBatch batch = read_image_batch(part, model.about().test.images.height,
                                              model.recipe().exif == UseExif::kTrue);
    left_out += std::ssize(batch.problems);
    for (const std::string& problem : batch.problems) {
      require(on_bad_image == OnBadImage::kSkip,
              "{}, or leave such files out with --on_bad_image skip", problem);
      if (report.warning) report.warning("left out: " + problem);
    }
    const Tensor all = model.probabilities({.images = batch.images, .labels = {}});
    for (std::int64_t i = 0; i < all.size(0); ++i) {
      const auto row = all.rows(i, i + 1).span<float>();
      const auto file = static_cast<std::size_t>(batch.kept[static_cast<std::size_t>(i)]);
      receive({part[file], std::ranges::max_element(row) - row.begin(), row});
    }
    if (report.progress) report.progress(end, total);
  }
  require(left_out < total, "none of the {} image files is readable, the first being {}", total,
          files.front().string());
  return left_out;
}

FoundImages find_image_files(const std::vector<std::string>& paths) {
  FoundImages found;
  for (const std::string& path : paths) {
    if (!is_folder(path)) {
      require(path_exists(path), "there is no file or folder {}; check the path", path);
      found.files.emplace_back(path);
      continue;
    }
    const FoundImages below = find_images(path);
    require(!below.files.empty(), "{}: no file called {} lies in it or below{}", path,
            kImageEndings,
            below.passed_over.empty() ? "" : "; passed over: " + below.passed_over.sentence());
    found.files.insert(found.files.end(), below.files.begin(), below.files.end());
    found.passed_over.add(below.passed_over);
  }
  return found;
}

}  // namespace bptplr
