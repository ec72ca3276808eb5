#include "data/class_names.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>

#include "engine/text.hpp"

namespace bptplr {
namespace {

constexpr std::string_view kNoBreakSpace = "\xc2\xa0";
constexpr std::string_view kBlanks = " \t\r\n\v\f";

/// Returns text in the form that utf8proc's options ask for; if it is no UTF-8, with its bytes
/// written out (\xff), so that it is text, and the same, wherever it is saved.
std::string mapped(std::string_view text, int options) {
  utf8proc_uint8_t* out = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &out,
                                             static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(out, std::free);
  if (size < 0) return printable(text);
  return {reinterpret_cast<const char*>(out), static_cast<std::size_t>(size)};
}

/// Returns how a number's class is called: without a fraction.
std::string_view number_name(std::string_view label) {
  label = without_blanks(label);
  return label.substr(0, label.find('.'));
}

}  // namespace

std::string_view without_blanks(std::string_view text) {
  for (std::size_t before = text.size() + 1; before != text.size();) {
    before = text.size();
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    text = text.substr(0, text.find_last_not_of(kBlanks) + 1);
    if (text.starts_with(kNoBreakSpace)) text.remove_prefix(kNoBreakSpace.size());
    if (text.ends_with(kNoBreakSpace)) text.remove_suffix(kNoBreakSpace.size());
  }
  return text;
}

std::string normal_name(std::string_view name) {
  return mapped(without_blanks(name), UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

std::optional<std::int64_t> whole_number(std::string_view label) {
  label = without_blanks(label);
  if (label.starts_with('+')) label.remove_prefix(1);
  const std::size_t point = label.find('.');
  const std::string_view fraction = point == label.npos ? "" : label.substr(point + 1);
  const std::string_view whole = label.substr(0, point);
  if (whole.empty() || whole.front() == '-') return {};
  if (!std::ranges::all_of(fraction, [](char c) { return c == '0'; })) return {};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), number);
  if (error != std::errc() || end != whole.data() + whole.size()) return {};
  return number;
}

bool is_missing_label(std::string_view label) {
  label = without_blanks(label);
  constexpr auto kMissing = std::to_array<std::string_view>(
      {"",     "NaN",  "nan",     "-NaN",     "-nan",   "NA",     "N/A",
       "n/a",  "#N/A", "#NA",     "#N/A N/A", "<NA>",   "None",   "NULL",
       "null", "NaT",  "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"});
  if (std::ranges::find(kMissing, label) != kMissing.end()) return true;
  return label.starts_with('-') && whole_number(label.substr(1)).has_value();
}

ClassNames::ClassNames(const std::vector<std::string>& labels) {
  are_numbers_ =
      std::ranges::all_of(labels, [](const auto& l) { return whole_number(l).has_value(); });
  if (!are_numbers_) {
    for (const std::string& label : labels) names_.push_back(normal_name(label));
    std::ranges::sort(names_);
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
    return;
  }
  std::map<std::int64_t, std::string> names;  // of several spellings the shortest
  for (const std::string& label : labels) {
    std::string& name = names[*whole_number(label)];
    const std::string_view other = number_name(label);
    if (name.empty() || other.size() < name.size()) name = other;
  }
  for (const auto& [number, name] : names) {
    numbers_.push_back(number);
    names_.push_back(name);
  }
}

std::int64_t ClassNames::find(std::string_view label) const {
  if (are_numbers_) {
    const auto number = whole_number(label);
    const auto found = std::ranges::lower_bound(numbers_, number.value_or(-1));
    return found != numbers_.end() && *found == number ? found - numbers_.begin() : -1;
  }
  const std::string name = normal_name(label);
  const auto found = std::ranges::lower_bound(names_, name);
  return found != names_.end() && *found == name ? found - names_.begin() : -1;
}

std::vector<std::string> ClassNames::warnings() const {
  std::vector<std::string> sentences;
  std::map<std::string, std::string> folded;
  for (const std::string& name : names_) {
    const auto [at, is_new] =
        folded.emplace(mapped(name, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD), name);
    if (is_new) continue;
    sentences.push_back(fmt::format(
        "the classes '{}' and '{}' differ in upper and lower case only; rename one if they are the "
        "same",
        at->second, name));
  }
  if (are_numbers_ && !numbers_.empty() && numbers_.back() != std::ssize(numbers_) - 1) {
    sentences.push_back(
        fmt::format("labels are numbers, but not 0 to {}: a class's number is its place among them "
                    "(class NAME: {})",
                    numbers_.size() - 1, numbered_names(names_, 5)));
  }
  return sentences;
}

std::string numbered_names(const std::vector<std::string>& names, std::size_t most) {
  std::string list;
  for (std::size_t c = 0; c < std::min(names.size(), most); ++c) {
    list += fmt::format("{}{} {}", c == 0 ? "" : ", ", c, names[c]);
  }
  if (names.size() > most) list += fmt::format(", ... {} {}", names.size() - 1, names.back());
  return list;
}

}  // namespace bptplr
