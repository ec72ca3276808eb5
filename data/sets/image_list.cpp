#include "data/sets/image_list.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "data/images/cache.hpp"
#include "engine/error.hpp"
#include "engine/io/hash.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

fs::path cache_path(const ImageList& list, const ImageSetOptions& options, const char* split) {
  const fs::path folder =
      options.cache_folder.empty() ? default_cache_folder() : options.cache_folder;
  const std::string origin = list.origin + (options.exif ? " upright" : "");
  return folder /
         fmt::format("{}-{}-{}-{:016x}.images", list.name, split, options.side, hash_bytes(origin));
}

CachedImages cached_split(const ImageList& list, const ImageSetOptions& options, const char* name,
                          const std::vector<LabelledFile>& files) {
  require(!files.empty(), "{}: there are no {}ing images; add some{}", list.origin, name,
          std::string_view(name) == "test" ? ", or split them off with a larger --test_split" : "");
  CacheRequest request;
  request.side = options.side;
  request.exif = options.exif;
  request.on_bad_image = options.on_bad_image;
  request.limit = options.cache_limit;
  request.cache = cache_path(list, options, name);
  for (const LabelledFile& file : files) request.files.push_back(file.path);
  return cached_images(request, options.report);
}

/// Turns the files that are kept into a split. Test images have no true labels beside their own.
Split split_of(const std::vector<LabelledFile>& files, const CachedImages& cached, bool is_train) {
  Split split;
  split.images = cached.images;
  split.listed = {cached.kept, std::ssize(files)};
  split.hashes = cached.hashes;
  for (const std::int64_t i : cached.kept) {
    const LabelledFile& file = files[static_cast<std::size_t>(i)];
    split.labels.push_back(file.label);
    if (is_train) split.true_labels.push_back(file.true_label);
    split.files.push_back(file.path.string());
  }
  return split;
}

void split_off_test(ImageList& list, const TestSplit& split) {
  std::vector<std::int64_t> labels;
  for (const LabelledFile& file : list.train) labels.push_back(file.label);
  const std::vector<bool> is_test = drawn_test_rows(labels, std::ssize(list.class_names), split);
  std::vector<LabelledFile> train;
  for (std::size_t i = 0; i < list.train.size(); ++i) {
    (is_test[i] ? list.test : train).push_back(std::move(list.train[i]));
  }
  list.train = std::move(train);
  list.origin += fmt::format(" test_split {} seed {}", split.fraction, split.seed);
}

}  // namespace

std::vector<bool> drawn_test_rows(std::span<const std::int64_t> labels, std::int64_t classes,
                                  const TestSplit& split) {
  std::vector<std::vector<std::size_t>> by_class(static_cast<std::size_t>(classes));
  for (const std::int64_t i :
       Philox(split.seed, Purpose::kTestSplit).permutation(std::ssize(labels))) {
    const auto index = static_cast<std::size_t>(i);
    by_class[static_cast<std::size_t>(labels[index])].push_back(index);
  }
  std::vector<bool> is_test(labels.size(), false);
  for (const auto& members : by_class) {
    const auto n = std::ssize(members);
    const std::int64_t wanted = std::llround(split.fraction * static_cast<double>(n));
    const std::int64_t count = std::min(std::max<std::int64_t>(wanted, 1), n - 1);
    for (std::int64_t i = 0; i < count; ++i) is_test[members[static_cast<std::size_t>(i)]] = true;
  }
  return is_test;
}

void complete_test_set(ImageList& list, const TestSplit& split) {
  const bool listed = !list.test.empty();
  require(listed || split.fraction > 0.0,
          "{}: there are no test images (in a folder test or val, or with that word in a column "
          "split); say which share of the images to test on with --test_split, e.g. 0.2",
          list.origin);
  require(!listed || split.fraction == 0.0, "{} has test images already; leave --test_split out",
          list.origin);
  if (!listed) split_off_test(list, split);
}

Dataset load_image_list(const ImageList& list, const ImageSetOptions& options) {
  if (options.check) options.check(list);
  Dataset dataset;
  dataset.name = list.name;
  dataset.class_names = list.class_names;
  dataset.root = list.root.string();
  dataset.class_folders = list.class_folders;
  if (options.report.warning) {
    if (!list.passed_over.empty()) {
      options.report.warning("passed over: " + list.passed_over.sentence());
    }
    for (const std::string& sentence : list.warnings) options.report.warning(sentence);
  }
  const CachedImages train = cached_split(list, options, "train", list.train);
  const CachedImages test = cached_split(list, options, "test", list.test);
  dataset.train = split_of(list.train, train, true);
  dataset.test = split_of(list.test, test, false);
  dataset.mean.resize(3);
  dataset.std.resize(3);
  for (std::size_t c = 0; c < 3; ++c) {
    const bool given = list.std[c] > 0.0F;
    dataset.mean[c] = given ? list.mean[c] : static_cast<float>(train.mean[c]);
    // Images of a single colour have a standard deviation of 0; the lower limit avoids dividing by
    // it.
    dataset.std[c] =
        given ? list.std[c] : std::max(static_cast<float>(train.std[c]), 1.0F / 255.0F);
  }
  return dataset;
}

}  // namespace bptplr
