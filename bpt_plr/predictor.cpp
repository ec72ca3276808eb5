#include "bpt_plr/predictor.hpp"

#include <algorithm>

#include "bpt_plr/evaluation.hpp"
#include "bpt_plr/make_network.hpp"
#include "bpt_plr/trainer.hpp"
#include "data/image_batch.hpp"
#include "data/image_folder.hpp"
#include "engine/error.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Files that are decoded, then passed through the networks: as many as an evaluation takes at
/// once.
constexpr std::int64_t kBatch = 250;

/// The folder of the run that `model` is, or is a file of.
RunFolder run_of(const fs::path& model) {
  if (!fs::is_regular_file(model)) return RunFolder::open(model);
  const fs::path folder = model.parent_path();
  return RunFolder::open(folder.empty() ? "." : folder);
}

}  // namespace

Predictor::Predictor(const fs::path& model, const std::string& device)
    : Predictor(run_of(model), fs::is_regular_file(model) ? model : fs::path(), device) {}

Predictor::Predictor(const RunFolder& run, const fs::path& file, const std::string& device)
    : recipe_(recipe_of_run(run, device)), about_(run.read_classes()) {
  require(about_.num_classes() == recipe_.num_class,
          "{}: config.json says {} classes, but classes.json names {}; both must be of one run",
          run.path().string(), recipe_.num_class, about_.num_classes());
  if (file.empty()) {
    networks_ = load_networks(run, recipe_);
  } else {
    networks_.push_back(make_network(recipe_, 0));
    load_model(file, *networks_.back());
  }
}

Tensor Predictor::probabilities(const Images& images) {
  const ViewMaker views = make_view_maker(recipe_, about_, images);
  const Tensor sum = summed_logits(pointers_to(networks_), views);
  return softmax(scale(sum, 1.0 / static_cast<double>(networks_.size())));
}

std::int64_t Predictor::predict(const std::vector<fs::path>& files, bool skip_bad,
                                const LoadReport& report,
                                const std::function<void(const Prediction&)>& receive) {
  const auto total = std::ssize(files);
  std::int64_t left_out = 0;
  for (std::int64_t first = 0; first < total; first += kBatch) {
    const std::int64_t end = std::min(first + kBatch, total);
    const auto part = std::span(files).subspan(static_cast<std::size_t>(first),
                                               static_cast<std::size_t>(end - first));
    const ImageBatch batch = read_image_batch(part, about_.test.images.height);
    left_out += std::ssize(batch.problems);
    for (const std::string& problem : batch.problems) {
      require(skip_bad, "{}, or leave such files out with --on_bad_image skip", problem);
      if (report.warning) report.warning("left out: " + problem);
    }
    const Tensor all = probabilities(batch.images);
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

std::vector<fs::path> find_image_files(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      require(fs::exists(path), "there is no file or folder {}; check the path", path);
      files.emplace_back(path);
      continue;
    }
    const std::vector<fs::path> below = image_files_below(path);
    require(!below.empty(), "{}: no file called .jpg, .jpeg or .png lies in it or below", path);
    files.insert(files.end(), below.begin(), below.end());
  }
  return files;
}

}  // namespace bptplr
