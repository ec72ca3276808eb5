#include "bpt_plr/recipe/text.hpp"

#include <algorithm>
#include <cctype>

#include "engine/error.hpp"

namespace bptplr {
namespace {

std::string folded(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

/// Returns how many letters must be added, removed, replaced or swapped with the next to turn `a`
/// into `b`.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    if (end + 1 == text.size()) parts.emplace_back();  // a separator at the very end
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  return parse_number(text, number) ? std::optional(number) : std::nullopt;
}

std::vector<std::int64_t> parse_integers(std::string_view text, std::string_view field) {
  std::vector<std::int64_t> numbers;
  for (const std::string_view part : split(text, ',')) {
    std::int64_t number = 0;
    require(parse_number(part, number),
            "{} is '{}', but must be whole numbers with commas between them, e.g. 2,2,2,2", field,
            text);
    numbers.push_back(number);
  }
  return numbers;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> names,
                         std::string_view prefix) {
  constexpr std::size_t kLongest = 64;  // longer words are no typing errors, and cost time
  if (word.size() > kLongest) return {};
  std::size_t fewest = std::max<std::size_t>(1, word.size() / 3) + 1;
  const std::string* nearest = nullptr;
  for (const std::string& name : names) {
    const std::size_t count = edits(folded(word), folded(name));
    if (count >= fewest || count >= name.size()) continue;
    fewest = count;
    nearest = &name;
  }
  return nearest == nullptr ? std::string()
                            : fmt::format("; did you mean '{}{}'?", prefix, *nearest);
}

}  // namespace bptplr
