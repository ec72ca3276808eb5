// Which labels of people's own files are the same class, and the order of the classes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

/// Returns text without blanks at its ends, among them Unicode's no-break space.
std::string_view without_blanks(std::string_view text);

/// Returns a name without blanks at its ends and in Unicode's normal form NFC, so that names that
/// look the same are the same; bytes that are no UTF-8 stay as they are.
std::string normal_name(std::string_view name);

/// Returns the whole number that a label spells: 3, 03, +3 and 3.0 are 3.
std::optional<std::int64_t> whole_number(std::string_view label);

/// Returns whether a label stands for a missing one: empty, NaN, NA, None, null, ... as pandas
/// writes and reads them, or a negative number.
bool is_missing_label(std::string_view label);

/// The classes of a data set, numbered from 0: by number where every label is one, else by name.
class ClassNames {
 public:
  /// Makes classes of all labels, of which none is missing, in any order and number.
  explicit ClassNames(const std::vector<std::string>& labels);

  const std::vector<std::string>& names() const { return names_; }
  /// Returns the class of a label; -1 for one that none of the constructor's equals.
  std::int64_t find(std::string_view label) const;
  /// Returns a sentence for each pair of names that differ in upper and lower case only, and one if
  /// labels are numbers but not those of their classes.
  std::vector<std::string> warnings() const;

 private:
  bool are_numbers_ = false;
  std::vector<std::int64_t> numbers_;  ///< ascending, where labels are numbers
  std::vector<std::string> names_;     ///< ascending otherwise
};

/// Returns "0 cat, 1 dog, ...": which class is which number, cut after `most` classes.
std::string numbered_names(const std::vector<std::string>& names, std::size_t most);

}  // namespace bptplr
