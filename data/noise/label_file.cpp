#include "data/noise/label_file.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/noise/label_values.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

/// List of the labels before people changed them, in the files of CIFAR-10N and CIFAR-100N.
constexpr const char* kTruth = "clean_label";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Returns the list, with the first entry that is no integer as its problem.
LabelList list_of(const std::string& name, const Json& array) {
  LabelList list;
  list.name = name;
  list.count = std::ssize(array);
  for (const Json& entry : array) {
    const bool fits =
        entry.is_number_integer() &&
        !(entry.is_number_unsigned() && entry.get<std::uint64_t>() > std::uint64_t{INT64_MAX});
    if (!fits) {
      // Prints only a number: text and nested lists may be of any length and depth.
      list.problem = fmt::format("entry {} is {}", list.labels.size(),
                                 entry.is_number() ? to_text(entry) : entry.type_name());
      break;
    }
    list.labels.push_back(entry.get<std::int64_t>());
  }
  return list;
}

std::vector<LabelList> lists_of(const Json& json) {
  if (json.is_array()) return {list_of("", json)};
  std::vector<LabelList> lists;
  LabelsByIndex by_index;
  for (const auto& [key, value] : json.items()) {
    if (value.is_array()) lists.push_back(list_of(key, value));
    if (value.is_number_integer()) by_index.add(key, value.get<std::int64_t>());
  }
  if (auto list = by_index.list(std::ssize(json))) lists.push_back(std::move(*list));
  return lists;
}

/// Takes the next line off `rest`, without blanks at its ends.
std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  constexpr std::string_view kBlanks = " \t\r\"";
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  return line.substr(0, line.find_last_not_of(kBlanks) + 1);
}

/// Reads a label on each line; the first may be a heading. Returns nothing for other text.
std::vector<LabelList> lists_of_lines(std::string_view text, const std::string& file) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  LabelList list;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    ++number;
    if (line.empty()) continue;
    std::int64_t label = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), label);
    const bool is_label = error == std::errc() && end == line.data() + line.size();
    if (!is_label && list.labels.empty() && number == 1) continue;
    if (!is_label && list.labels.empty()) return {};
    require(is_label,
            "{}: line {} is no integer, where the lines before are; a text file of labels has one "
            "on each line",
            file, number);
    list.labels.push_back(label);
  }
  list.count = std::ssize(list.labels);
  if (list.labels.empty()) return {};
  return {list};
}

bool is_json(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && (text[begin] == '[' || text[begin] == '{');
}

std::vector<LabelList> lists_of_text(const std::string& text, const std::string& file) {
  if (!is_json(text)) return lists_of_lines(text, file);
  const Json json = parse_json_or_none(text);
  if (json.is_array() || json.is_object()) return lists_of(json);
  return {};
}

std::vector<std::int64_t> sorted(std::span<const std::int64_t> labels) {
  std::vector<std::int64_t> copy(labels.begin(), labels.end());
  std::ranges::sort(copy);
  return copy;
}

std::string names_of_lists(const std::vector<LabelList>& lists) {
  std::string names;
  for (const LabelList& list : lists) {
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", list.name);
  }
  return names;
}

}  // namespace

std::vector<LabelList> read_label_lists(const std::filesystem::path& path) {
  std::string bytes = read_file(path);
  const std::string file = path.string();
  std::vector<LabelList> lists =
      has_binary_labels(bytes) ? binary_lists(std::move(bytes), file) : lists_of_text(bytes, file);
  require(
      !lists.empty(),
      "{}: not a JSON list, nor text with a label on each line, nor a list of integers in .npy, "
      ".pt or a pickle; a label file is a list of one integer for each image",
      file);
  return lists;
}

const LabelList& only_list(const std::vector<LabelList>& lists, const std::filesystem::path& path) {
  const LabelList* only = nullptr;
  int usable = 0;
  for (const LabelList& list : lists) {
    const bool is_truth = list.name == kTruth && lists.size() > 1;
    if (is_truth || (!list.problem.empty() && lists.size() > 1)) continue;
    only = &list;
    ++usable;
  }
  require(usable == 1,
          "{}: it has the lists {}, and which is meant is not plain; save that one alone, or read "
          "CIFAR-10N's and CIFAR-100N's with --noise_mode human --human_path",
          path.string(), names_of_lists(lists));
  return *only;
}

void require_same_truth(const std::vector<LabelList>& lists, const std::filesystem::path& path,
                        std::span<const std::int64_t> official) {
  const auto truth = std::ranges::find(lists, kTruth, &LabelList::name);
  if (truth == lists.end() || truth->labels.size() != official.size()) return;
  std::size_t others = 0;
  for (std::size_t i = 0; i < official.size(); ++i)
    others += truth->labels[i] != official[i] ? 1 : 0;
  const bool is_order = sorted(truth->labels) == sorted(official);
  require(others == 0, "{}: its {} are others than the data set's for {} of {} images{}",
          path.string(), kTruth, others, official.size(),
          is_order ? ", though as many of each class: it is in another order of the images, as the "
                     "published files *_ordered.npy are in that of TensorFlow Datasets; use the "
                     "file .pt, or put image_order_c10.npy (image_order_c100.npy) beside it"
                   : ": it is of other images; use the file made for this data set");
}

std::vector<std::int64_t> checked_labels(const LabelList& list, const std::filesystem::path& path,
                                         std::int64_t count, std::int64_t num_classes) {
  const std::string file =
      list.name.empty() ? path.string() : fmt::format("{}: \"{}\"", path.string(), list.name);
  require(list.count == count,
          "{}: {} labels for {} training images; use the label file made for this data set", file,
          list.count, count);
  for (std::size_t i = 0; i < list.labels.size(); ++i) {
    require(list.labels[i] >= 0 && list.labels[i] < num_classes,
            "{}: entry {} is {}, where an integer from 0 to {} is expected; correct it", file, i,
            list.labels[i], num_classes - 1);
  }
  require(list.problem.empty(), "{}: {}, where an integer from 0 to {} is expected; correct it",
          file, list.problem, num_classes - 1);
  return list.labels;
}

}  // namespace bptplr
