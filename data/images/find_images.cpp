#include "data/images/find_images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

#include "data/images/formats.hpp"
#include "engine/error.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".") || name == "__MACOSX";
}

bool is_link(const fs::path& path) {
  std::error_code ignored;
  return fs::is_symlink(path, ignored);
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
  for (const std::string& name : names_in_folder(folder)) {
    const fs::path path = folder / name;
    if (is_hidden(path)) {
      found.passed_over.add("hidden", path);
    } else if (!is_folder(path) || has_image_name(path)) {  // a folder so called is an error later
      has_image_name(path) ? found.files.push_back(path)
                           : found.passed_over.add(ending_of(path), path);
    } else if (is_link(path)) {
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
  for (const std::string& name : names_in_folder(folder)) {
    const fs::path path = folder / name;
    if (is_hidden(path)) {
      passed_over.add("hidden", path);
    } else if (is_folder(path)) {
      names.push_back(name);
    } else {
      passed_over.add(ending_of(path) + " beside the folders", path);
    }
  }
  return names;
}

}  // namespace bptplr
