#include "data/sets/image_manifest.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "data/sets/manifest_rows.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Adds the images to the training or the test set.
void add_files(const std::vector<ManifestRow>& entries, const ClassNames& classes,
               const fs::path& folder, ImageList& list) {
  const bool has_test =
      std::ranges::any_of(entries, [](const ManifestRow& e) { return e.split == "test"; });
  for (const ManifestRow& entry : entries) {
    LabelledFile file{folder / entry.path, classes.find(entry.label),
                      entry.true_label.empty() ? kUnknownLabel : classes.find(entry.true_label)};
    if (entry.split == "train") {
      list.train.push_back(std::move(file));
    } else if (entry.split == "test" || !has_test) {
      if (file.true_label != kUnknownLabel) file.label = file.true_label;
      list.test.push_back(std::move(file));
    } else {
      list.passed_over.add("rows of the split val, as there is a test", file.path);
    }
  }
}

}  // namespace

ImageList list_manifest(const fs::path& manifest) {
  const std::vector<ManifestRow> entries = read_manifest(manifest, NeedsPath::kYes);
  ImageList list;
  list.name = "csv";
  list.origin = fs::absolute(manifest).lexically_normal().string();
  list.root = manifest.parent_path();
  const ClassNames classes = classes_of(entries);
  list.class_names = classes.names();
  list.warnings = classes.warnings();
  require(list.class_names.size() >= 2, "{}: all labels are '{}'; at least two classes are needed",
          manifest.string(), list.class_names.front());
  add_files(entries, classes, manifest.parent_path(), list);
  return list;
}

Dataset load_manifest(const fs::path& manifest, const TestSplit& split,
                      const ImageSetOptions& options) {
  ImageList list = list_manifest(manifest);
  complete_test_set(list, split);
  return load_image_list(list, options);
}

}  // namespace bptplr
