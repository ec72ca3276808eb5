// Lays out text for a number of columns: words are never cut, names only with a "~" that shows it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

/// Width of a medium that does not limit lines, such as a file.
inline constexpr std::size_t kUnlimited = std::string::npos;

/// Returns the number of UTF-8 characters, each of which takes one column here.
std::size_t width_of(std::string_view text);

/// Returns `text`, made printable, in exactly `width` columns: padded, or cut with "~" at the end.
std::string fit(const std::string& text, std::size_t width);
std::string align_right(const std::string& text, std::size_t width);

/// Returns `text` in lines of at most `columns`, broken between words and after "|"; from the
/// second on they begin with `indent` blanks. A longer word, such as a path, stays whole.
std::string wrap(std::string_view text, std::size_t columns, std::size_t indent = 0);

/// Column of a table.
struct TableColumn {
  std::string title;
  bool left = false;      ///< aligned to the left rather than to the right
  std::size_t least = 0;  ///< columns to which its text may be cut ("~"); 0: never cut
  int drop = 0;  ///< left out, in ascending order, where lines are too long otherwise; 0: never
};

/// Returns a table as lines, its titles first, without blanks at their ends. Text that may be cut
/// is cut, the longest first, until lines have at most `columns`, then columns are left out. Each
/// begins with `indent` blanks. An untitled column of empty text takes no room. Cells are made
/// printable.
std::vector<std::string> table_lines(const std::vector<TableColumn>& table,
                                     const std::vector<std::vector<std::string>>& rows,
                                     std::size_t columns, std::size_t indent = 0);

}  // namespace bptplr
