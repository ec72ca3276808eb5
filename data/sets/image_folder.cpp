#include "data/sets/image_folder.hpp"

#include <algorithm>
#include <string>
#include <system_error>

#include "data/images/image_file.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Returns the entries of a folder by name, without hidden ones.
std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  fs::directory_iterator iterator(folder, error);
  while (!error && iterator != fs::directory_iterator()) {
    if (!iterator->path().filename().string().starts_with(".")) entries.push_back(*iterator);
    iterator.increment(error);
  }
  require(!error, "cannot read the folder {}: {}; check the path", folder.string(),
          error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<std::string> class_names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : entries_of(folder)) {
    if (is_folder(entry.path())) names.push_back(entry.path().filename().string());
  }
  return names;
}

/// Lists the images in the folders of the classes; `class_names` are the permitted names.
std::vector<LabelledFile> list_classes(const fs::path& folder,
                                       const std::vector<std::string>& class_names) {
  std::vector<LabelledFile> files;
  for (const std::string& name : class_names_in(folder)) {
    const auto found = std::find(class_names.begin(), class_names.end(), name);
    require(found != class_names.end(),
            "{}: there is no class '{}' among the training images; the folders of both must have "
            "the same names",
            (folder / name).string(), name);
    for (const fs::path& file : image_files_in(folder / name)) {
      files.push_back({file, found - class_names.begin(), kUnknownLabel});
    }
  }
  return files;
}

void require_images(const ImageList& list, const fs::path& folder) {
  std::vector<std::int64_t> sizes(list.class_names.size(), 0);
  for (const LabelledFile& file : list.train) ++sizes[static_cast<std::size_t>(file.label)];
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    require(sizes[c] > 0,
            "{}: the class has no image called .jpg, .jpeg or .png; add some or remove the folder",
            (folder / list.class_names[c]).string());
  }
}

/// Returns the folder of the test images; empty if there is none.
fs::path find_test_folder(const fs::path& folder) {
  for (const char* name : {"test", "val"}) {
    if (is_folder(folder / name)) return folder / name;
  }
  return {};
}

}  // namespace

std::vector<fs::path> image_files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : entries_of(folder)) {
    if (has_image_name(entry.path())) files.push_back(entry.path());
  }
  return files;
}

std::vector<fs::path> image_files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : entries_of(folder)) {
    if (is_folder(entry.path())) {
      if (entry.is_symlink()) continue;
      const std::vector<fs::path> below = image_files_below(entry.path());
      files.insert(files.end(), below.begin(), below.end());
    } else if (has_image_name(entry.path())) {
      files.push_back(entry.path());
    }
  }
  return files;
}

ImageList list_folder(const fs::path& folder) {
  require(is_folder(folder),
          "{}: there is no such folder; name the one with a folder for each class",
          folder.string());
  const fs::path train = is_folder(folder / "train") ? folder / "train" : folder;
  ImageList list;
  list.name = "folder";
  list.origin = fs::absolute(folder).lexically_normal().string();
  list.class_names = class_names_in(train);
  require(
      list.class_names.size() >= 2,
      "{}: {} folders of classes where at least two are needed, each with the images of one class",
      train.string(), list.class_names.size());
  list.train = list_classes(train, list.class_names);
  require_images(list, train);
  const fs::path test = train == folder ? fs::path() : find_test_folder(folder);
  if (!test.empty()) list.test = list_classes(test, list.class_names);
  return list;
}

Dataset load_folder(const fs::path& folder, const TestSplit& split,
                    const ImageSetOptions& options) {
  ImageList list = list_folder(folder);
  complete_test_set(list, split);
  return load_image_list(list, options);
}

}  // namespace bptplr
