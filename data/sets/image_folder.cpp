#include "data/sets/image_folder.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string>
#include <system_error>

#include "data/class_names.hpp"
#include "data/images/formats.hpp"
#include "engine/error.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Usual names of the folders of training and of test images, the preferred ones first.
constexpr auto kTrainNames = std::to_array<std::string_view>({"train", "training"});
constexpr auto kTestNames =
    std::to_array<std::string_view>({"test", "testing", "val", "valid", "validation"});

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Returns the first of `wanted` among the folders, in upper or lower case; "" if there is none.
std::string first_named(const std::vector<std::string>& folders,
                        std::span<const std::string_view> wanted) {
  for (const std::string_view name : wanted) {
    const auto found =
        std::ranges::find_if(folders, [&](const auto& folder) { return lower(folder) == name; });
    if (found != folders.end()) return *found;
  }
  return "";
}

/// Folders of a data set: that of the training images and, unless empty, that of the test images.
struct Layout {
  fs::path root;
  fs::path train;
  fs::path test;
};

Layout find_layout(const fs::path& folder, PassedOver& passed_over) {
  const std::vector<std::string> folders = find_folders(folder, passed_over);
  const std::string train = first_named(folders, kTrainNames);
  const std::string test = first_named(folders, kTestNames);
  if (train.empty()) {
    require(test.empty(),
            "{}: it has a folder {}, but none called train beside it; name the folder that holds "
            "both, or rename the one with the training images",
            folder.string(), test);
    // An archive's own folder may lie around the data.
    PassedOver within;
    if (folders.size() == 1 &&
        !first_named(find_folders(folder / folders[0], within), kTrainNames).empty()) {
      return find_layout(folder / folders[0], passed_over);
    }
    return {folder, folder, {}};
  }
  for (const std::string& other : folders) {
    if (other != train && other != test) {
      passed_over.add(fmt::format("folder {}", other), folder / other);
    }
  }
  return {folder, folder / train, test.empty() ? fs::path() : folder / test};
}

/// Lists the images in the folders of the classes, in the order of their paths: lists of labels
/// that were made for ImageFolder of torchvision fit, however classes are numbered.
std::vector<LabelledFile> list_classes(const fs::path& folder,
                                       const std::vector<std::string>& folders,
                                       const ClassNames& classes, PassedOver& passed_over) {
  std::vector<LabelledFile> files;
  for (const std::string& name : folders) {
    const FoundImages found = find_images(folder / name);
    for (const fs::path& file : found.files) {
      files.push_back({file, classes.find(name), kUnknownLabel});
    }
    passed_over.add(found.passed_over);
  }
  return files;
}

void list_train(const fs::path& folder, const std::vector<std::string>& folders,
                const ClassNames& classes, ImageList& list) {
  list.train = list_classes(folder, folders, classes, list.passed_over);
  std::vector<std::int64_t> sizes(list.class_names.size(), 0);
  for (const LabelledFile& file : list.train) ++sizes[static_cast<std::size_t>(file.label)];
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    require(sizes[c] > 0, "{}: the class has no image called {}{}; add some or remove the folder",
            (folder / list.class_names[c]).string(), kImageEndings,
            list.passed_over.empty() ? "" : " (passed over: " + list.passed_over.sentence() + ")");
  }
  list.class_folders.resize(list.class_names.size());
  for (const std::string& name : folders) {
    const auto label = static_cast<std::size_t>(classes.find(name));
    std::string& of_class = list.class_folders[label];
    if (of_class.empty() || name == list.class_names[label]) of_class = (folder / name).string();
    if (name == list.class_names[label]) continue;
    list.warnings.push_back(
        fmt::format("the folder '{}' counts as class '{}'", name, list.class_names[label]));
  }
}

void list_test(const fs::path& folder, const ClassNames& classes, ImageList& list) {
  const std::vector<std::string> folders = find_folders(folder, list.passed_over);
  require(!folders.empty(),
          "{}: it has no folders of classes, so what its images show is not known; sort them into "
          "folders as in train, move them away and say --test_split, or list them in a CSV file",
          folder.string());
  for (const std::string& name : folders) {
    require(classes.find(name) >= 0,
            "{}: there is no class '{}' among the training images; the folders of both must have "
            "the same names",
            (folder / name).string(), name);
  }
  list.test = list_classes(folder, folders, classes, list.passed_over);
}

}  // namespace

ImageList list_folder(const fs::path& folder) {
  require(is_folder(folder),
          "{}: there is no such folder; name the one with a folder for each class",
          folder.string());
  ImageList list;
  list.name = "folder";
  list.origin = fs::absolute(folder).lexically_normal().string();
  const Layout layout = find_layout(folder, list.passed_over);
  list.root = layout.root;
  // What lies beside the folders has been counted already where they lie in the root.
  PassedOver again;
  const std::vector<std::string> folders =
      find_folders(layout.train, layout.train == layout.root ? again : list.passed_over);
  require(folders.size() >= 2,
          "{}: {} folders of classes where at least two are needed, each with the images of one "
          "class{}",
          layout.train.string(), folders.size(),
          folders.empty() ? "" : fmt::format("; it has '{}'", folders.front()));
  const ClassNames classes(folders);
  list.class_names = classes.names();
  list.warnings = classes.warnings();
  list_train(layout.train, folders, classes, list);
  if (!layout.test.empty()) list_test(layout.test, classes, list);
  return list;
}

Dataset load_folder(const fs::path& folder, const TestSplit& split,
                    const ImageSetOptions& options) {
  ImageList list = list_folder(folder);
  complete_test_set(list, split);
  return load_image_list(list, options);
}

}  // namespace bptplr
