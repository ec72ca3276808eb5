#include "data/sets/clothing1m.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/error.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kGarments = 14;
constexpr const char* kTrainKeys = "noisy_train_key_list.txt";
constexpr const char* kTestKeys = "clean_test_key_list.txt";
constexpr const char* kNoisyLabels = "noisy_label_kv.txt";
constexpr const char* kCleanLabels = "clean_label_kv.txt";
constexpr std::string_view kImageFolder = "images/";

/// Returns the folder of the lists; empty if there is none.
fs::path find_lists(const fs::path& folder) {
  for (const fs::path& candidate : {folder, folder / "annotations"}) {
    std::error_code ignored;
    if (fs::exists(candidate / kTrainKeys, ignored)) return candidate;
  }
  return {};
}

/// Calls fn(line, number from 1) for every non-empty line of a file, without its end of line.
template <class Fn>
void for_each_line(const fs::path& path, Fn&& fn) {
  const std::string bytes = read_file(path);
  std::string_view text = bytes;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    require(line.find('\0') == std::string_view::npos,
            "{}, line {}: it has a zero byte, which no path has; fetch the file again",
            path.string(), number);
    if (!line.empty()) fn(line, number);
  }
}

using LabelMap = std::unordered_map<std::string, std::int64_t>;

/// Reads lines of "KEY LABEL".
LabelMap read_labels(const fs::path& path) {
  LabelMap labels;
  for_each_line(path, [&](std::string_view line, std::size_t number) {
    const std::size_t space = line.rfind(' ');
    std::int64_t label = -1;
    if (space != std::string_view::npos) {
      const auto [end, error] =
          std::from_chars(line.data() + space + 1, line.data() + line.size(), label);
      if (error != std::errc() || end != line.data() + line.size()) label = -1;
    }
    require(label >= 0 && label < kGarments,
            "{}, line {}: a key and a label from 0 to {} are expected; fetch the file again",
            path.string(), number, kGarments - 1);
    labels.emplace(line.substr(0, space), label);
  });
  return labels;
}

/// Map from a key to the file of its image.
class Keys {
 public:
  explicit Keys(const fs::path& folder) : folder_(folder) {
    std::error_code ignored;
    has_image_folder_ = fs::is_directory(folder / kImageFolder, ignored);
  }

  fs::path path(std::string_view key) const {
    const bool cut = !has_image_folder_ && key.starts_with(kImageFolder);
    return folder_ / key.substr(cut ? kImageFolder.size() : 0);
  }

 private:
  fs::path folder_;
  bool has_image_folder_ = false;
};

/// Reads a list of keys as images with the labels of `labels`, which come from `labels_file`.
std::vector<LabelledFile> read_keys(const fs::path& path, const Keys& keys, const LabelMap& labels,
                                    const char* labels_file, const LabelMap& truth) {
  std::vector<LabelledFile> files;
  for_each_line(path, [&](std::string_view line, std::size_t number) {
    const std::string key(line);
    const auto label = labels.find(key);
    require(label != labels.end(), "{}, line {}: {} has no label in {}; fetch both files again",
            path.string(), number, key, labels_file);
    const auto known = truth.find(key);
    files.push_back(
        {keys.path(key), label->second, known == truth.end() ? kUnknownLabel : known->second});
  });
  require(!files.empty(), "{}: the list is empty; fetch the file again", path.string());
  return files;
}

}  // namespace

bool has_clothing1m(const fs::path& folder) {
  return !find_lists(folder).empty();
}

ImageList list_clothing1m(const fs::path& folder) {
  const fs::path lists = find_lists(folder);
  require(!lists.empty(),
          "{}: no Clothing1M here (no {}, nor in a folder annotations); name the folder that holds "
          "its lists",
          folder.string(), kTrainKeys);
  ImageList list;
  list.name = "clothing1m";
  list.origin = fs::absolute(folder).lexically_normal().string();
  list.root = folder;
  list.class_names = {"T-Shirt", "Shirt",       "Knitwear", "Chiffon",  "Sweater",
                      "Hoodie",  "Windbreaker", "Jacket",   "Downcoat", "Suit",
                      "Shawl",   "Dress",       "Vest",     "Underwear"};
  list.mean = {0.6959F, 0.6537F, 0.6371F};
  list.std = {0.3113F, 0.3192F, 0.3214F};
  const LabelMap clean = read_labels(lists / kCleanLabels);
  const Keys keys(folder);
  list.train =
      read_keys(lists / kTrainKeys, keys, read_labels(lists / kNoisyLabels), kNoisyLabels, clean);
  list.test = read_keys(lists / kTestKeys, keys, clean, kCleanLabels, {});
  std::error_code ignored;
  require(fs::exists(folder / kImageFolder, ignored) || fs::exists(list.train[0].path, ignored),
          "{}: the lists of Clothing1M are here, but neither a folder images beside them nor {}; "
          "name the folder that the images' archives were extracted to",
          folder.string(), list.train[0].path.string());
  return list;
}

Dataset load_clothing1m(const fs::path& folder, const ImageSetOptions& options) {
  return load_image_list(list_clothing1m(folder), options);
}

}  // namespace bptplr
