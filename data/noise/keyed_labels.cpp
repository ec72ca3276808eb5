#include "data/noise/keyed_labels.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "data/class_names.hpp"
#include "data/csv.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

constexpr auto kPathNames =
    std::to_array<std::string_view>({"path", "file", "filename", "file_name", "image"});
constexpr auto kLabelNames = std::to_array<std::string_view>({"label", "class"});

bool is_label(const Json& value) {
  return value.is_string() || value.is_number();
}

/// Returns the entries of an object from paths to labels; nothing for other values.
std::optional<std::vector<KeyedLabel>> entries_of(const Json& json, const std::string& file) {
  if (!json.is_object() || json.empty()) return {};
  std::vector<KeyedLabel> labels;
  for (const auto& [key, value] : json.items()) {
    if (!is_label(value) || whole_number(key)) return {};  // numbers are those of a list
    require(key.find('\0') == std::string::npos,
            "{}: after '{}' a path has a zero byte, which no path has; correct it", file,
            key.c_str());
    labels.push_back({key, value.is_string() ? value.get<std::string>() : to_text(value), ""});
  }
  return labels;
}

/// Returns the place of the first column with one of the names; the row's size if there is none.
std::size_t column(const CsvRow& header, std::span<const std::string_view> names) {
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    if (std::ranges::find(names, normal_name(header.fields[i])) != names.end()) return i;
  }
  return header.fields.size();
}

std::vector<KeyedLabel> entries_of(const std::vector<CsvRow>& rows, const std::string& file) {
  const CsvRow& header = rows.front();
  const std::size_t none = header.fields.size();
  std::size_t key = column(header, kPathNames);
  const bool by_index = key == none;
  if (by_index) key = column(header, std::to_array<std::string_view>({"index"}));
  const std::size_t label = column(header, kLabelNames);
  require(key != none && label != none,
          "{}, line {}: a table of labels has the columns path (or index) and label; name them in "
          "the first line",
          file, header.line);
  std::vector<KeyedLabel> labels;
  for (auto row = rows.begin() + 1; row != rows.end(); ++row) {
    require(row->fields.size() == none,
            "{}, line {}: {} fields under a header of {}; correct the line", file, row->line,
            row->fields.size(), none);
    const std::string_view name = without_blanks(row->fields[key]);
    labels.push_back({by_index ? fmt::format("#{}", name) : std::string(name), row->fields[label],
                      fmt::format("line {}", row->line)});
  }
  return labels;
}

/// Images of a split by the ends of their paths.
class PathEnds {
 public:
  PathEnds(const Dataset& dataset, const Split& split) {
    for (std::size_t i = 0; i < split.labels.size(); ++i) {
      const std::int64_t row =
          split.listed.kept.empty() ? static_cast<std::int64_t>(i) : split.listed.kept[i];
      paths_.push_back(
          split.files.empty()
              ? ""
              : std::filesystem::path(split.files[i]).lexically_normal().generic_string());
      exact_.emplace(fmt::format("#{}", row), i);
      if (paths_[i].empty()) continue;
      exact_.emplace(paths_[i], i);
      by_name_.emplace(name_of(paths_[i]), i);
    }
    root_ = std::filesystem::path(dataset.root).lexically_normal().generic_string();
  }

  /// Returns the images that a path may mean.
  std::vector<std::size_t> find(const std::string& given) const {
    const std::string path = std::filesystem::path(given).lexically_normal().generic_string();
    for (const std::string& whole : {path, root_ + "/" + path}) {
      const auto [begin, end] = exact_.equal_range(whole);
      if (begin != end) return images(begin, end);
    }
    std::vector<std::size_t> found;
    const auto [begin, end] = by_name_.equal_range(name_of(path));
    for (const std::size_t i : images(begin, end)) {
      if (paths_[i].ends_with("/" + path)) found.push_back(i);
    }
    return found;
  }
  const std::string& path(std::size_t i) const { return paths_[i]; }

 private:
  static std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
  template <class Iterator>
  static std::vector<std::size_t> images(Iterator begin, Iterator end) {
    std::vector<std::size_t> found;
    for (; begin != end; ++begin) found.push_back(begin->second);
    return found;
  }

  std::string root_;
  std::vector<std::string> paths_;
  std::unordered_multimap<std::string, std::size_t> exact_;
  std::unordered_multimap<std::string, std::size_t> by_name_;
};

/// Returns the class that a label names; -1 if it names none.
std::int64_t class_of(const std::string& label, const ClassNames& classes, bool names_are_numbers) {
  if (const std::int64_t found = classes.find(label); found >= 0) return found;
  const auto number = whole_number(label);
  const bool is_class = number && !names_are_numbers && *number < std::ssize(classes.names());
  return is_class ? *number : -1;
}

}  // namespace

std::optional<std::vector<KeyedLabel>> read_keyed_labels(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  if (text.substr(begin, 1) == "{") return entries_of(parse_json_or_none(text), path.string());
  const std::string_view first_line = std::string_view(text).substr(0, text.find('\n'));
  const bool is_text = first_line.find_first_of(std::string_view("\0", 1)) == first_line.npos &&
                       !first_line.starts_with("\x80") && !first_line.starts_with("\x93");
  if (!is_text || text.substr(begin, 1) == "[" || first_line.find(',') == first_line.npos)
    return {};
  return entries_of(parse_csv(text, path.string()), path.string());
}

std::vector<std::int64_t> labels_by_path(const std::vector<KeyedLabel>& labels,
                                         const std::string& file, const Dataset& dataset,
                                         const Split& split) {
  const ClassNames classes(dataset.class_names);
  const bool names_are_numbers = std::ranges::all_of(
      classes.names(), [](const auto& n) { return whole_number(n).has_value(); });
  const PathEnds ends(dataset, split);
  std::vector<std::int64_t> found(split.labels.size(), -1);
  for (const KeyedLabel& entry : labels) {
    const std::string where = entry.place.empty() ? file : fmt::format("{}, {}", file, entry.place);
    const std::vector<std::size_t> images = ends.find(entry.path);
    if (images.empty()) continue;  // a file for a larger set, or with test images too
    const bool is_same_file = std::ranges::all_of(
        images, [&](std::size_t i) { return ends.path(i) == ends.path(images.front()); });
    require(is_same_file, "{}: '{}' may be {} or {}; give more of its path", where, entry.path,
            ends.path(images[0]), ends.path(images.back()));
    const std::int64_t label = class_of(entry.label, classes, names_are_numbers);
    require(label >= 0, "{}: the label of '{}' is '{}', which is no class; the classes are {}",
            where, entry.path, entry.label, numbered_names(dataset.class_names, 12));
    for (const std::size_t i : images) {
      require(found[i] < 0 || found[i] == label, "{}: '{}' has another label before; remove one",
              where, entry.path);
      found[i] = label;
    }
  }
  const auto first = std::ranges::find(found, -1);
  if (first == found.end()) return found;
  const auto i = static_cast<std::size_t>(first - found.begin());
  throw Error("{}: {} of the {} training images have no label in it, the first is {}; add them",
              file, std::ranges::count(found, -1), found.size(),
              split.files.empty() ? fmt::format("number {}", i) : split.files[i]);
}

}  // namespace bptplr
