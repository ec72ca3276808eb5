#include "bpt_plr/recipe/text.hpp"

#include <algorithm>

#include "engine/error.hpp"

namespace bptplr {

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

}  // namespace bptplr
