// Finds image files in folders, and counts what is passed over there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace bptplr {

/// Files and folders that are not read, by kind: ".tif", "hidden", ...
class PassedOver {
 public:
  void add(const std::string& kind, const std::filesystem::path& path);
  void add(const PassedOver& other);
  bool empty() const { return kinds_.empty(); }
  const std::map<std::string, std::int64_t>& kinds() const { return kinds_; }
  /// Returns the number of each kind and a first path; "" where there is none.
  std::string sentence() const;

 private:
  std::map<std::string, std::int64_t> kinds_;
  std::filesystem::path first_;
};

struct FoundImages {
  std::vector<std::filesystem::path> files;
  PassedOver passed_over;
};

/// Returns the image files in `folder` and all folders below it, in the order of their paths,
/// readable or not. Passes over hidden files and folders, links to folders, and files without the
/// name of an image (formats.hpp). Throws Error when a folder cannot be read.
FoundImages find_images(const std::filesystem::path& folder);

/// Returns the names of the folders in `folder`, in their order; counts what is not one, and
/// folders that archivers and file managers leave behind. Throws Error when `folder` cannot be
/// read.
std::vector<std::string> find_folders(const std::filesystem::path& folder, PassedOver& passed_over);

}  // namespace bptplr
