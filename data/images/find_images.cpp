#include "data/images/find_images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

#include "data/images/formats.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Returns the entries of a folder by name.
std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  fs::directory_iterator iterator(folder, error);
  while (!error && iterator != fs::directory_iterator()) {
    entries.push_back(*iterator);
    iterator.increment(error);
  }
  require(!error, "cannot read the folder {}: {}; check the path", folder.string(),
          error.message());
  std::ranges::sort(entries);
  return entries;
}

bool is_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".") || name == "__MACOSX";
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored);
}

/// Returns the ending of a file's name in lower case, as a kind of file.
std::string ending_of(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending.empty() ? "without an ending" : ending;
}

}  // namespace

void PassedOver::add(const std::string& kind, const fs::path& path) {
  if (kinds_.empty()) first_ = path;
  ++kinds_[kind];
}

void PassedOver::add(const PassedOver& other) {
  if (kinds_.empty()) first_ = other.first_;
  for (const auto& [kind, count] : other.kinds_) kinds_[kind] += count;
}

std::string PassedOver::sentence() const {
  if (kinds_.empty()) return "";
  std::string list;
  for (const auto& [kind, count] : kinds_) {
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", count, kind);
  }
  return fmt::format("{}; the first is {} (files called {} are read)", list, first_.string(),
                     kImageEndings);
}

FoundImages find_images(const fs::path& folder) {
  FoundImages found;
  for (const fs::directory_entry& entry : entries_of(folder)) {
    const fs::path& path = entry.path();
    if (is_hidden(path)) {
      found.passed_over.add("hidden", path);
    } else if (!is_folder(entry) || has_image_name(path)) {  // a folder so called is an error later
      has_image_name(path) ? found.files.push_back(path)
                           : found.passed_over.add(ending_of(path), path);
    } else if (entry.is_symlink()) {
      found.passed_over.add("links to folders", path);  // which may lead back here
    } else {
      FoundImages below = find_images(path);
      found.files.insert(found.files.end(), std::make_move_iterator(below.files.begin()),
                         std::make_move_iterator(below.files.end()));
      found.passed_over.add(below.passed_over);
    }
  }
  return found;
}

std::vector<std::string> find_folders(const fs::path& folder, PassedOver& passed_over) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : entries_of(folder)) {
    const fs::path& path = entry.path();
    if (is_hidden(path)) {
      passed_over.add("hidden", path);
    } else if (is_folder(entry)) {
      names.push_back(path.filename().string());
    } else {
      passed_over.add(ending_of(path) + " beside the folders", path);
    }
  }
  return names;
}

}  // namespace bptplr
