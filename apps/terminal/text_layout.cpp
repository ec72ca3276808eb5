#include "apps/terminal/text_layout.hpp"

#include <algorithm>

#include "engine/text.hpp"

namespace bptplr {
namespace {

constexpr std::size_t kGap = 2;

/// Returns the columns that each column of the table takes, without a limit.
std::vector<std::size_t> natural_widths(const std::vector<TableColumn>& table,
                                        const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < table.size(); ++c) {
    std::size_t width = width_of(table[c].title);
    for (const auto& row : rows) width = std::max(width, width_of(row[c]));
    widths.push_back(width);
  }
  return widths;
}

std::size_t line_width(const std::vector<std::size_t>& widths) {
  std::size_t total = 0;
  for (const std::size_t width : widths) total += width == 0 ? 0 : width + kGap;
  return total - std::min(total, kGap);
}

/// Narrows the widest column that may be cut, a column of the terminal at a time, until all fit.
void narrow(const std::vector<TableColumn>& table, std::size_t columns,
            std::vector<std::size_t>& widths) {
  while (line_width(widths) > columns) {
    std::size_t widest = table.size();
    for (std::size_t c = 0; c < table.size(); ++c) {
      const bool may = table[c].least > 0 && widths[c] > table[c].least;
      if (may && (widest == table.size() || widths[c] > widths[widest])) widest = c;
    }
    if (widest == table.size()) return;
    --widths[widest];
  }
}

/// Returns the columns that each column of the table gets; 0: it is left out.
std::vector<std::size_t> widths_within(const std::vector<TableColumn>& table,
                                       std::vector<std::size_t> natural, std::size_t columns) {
  std::vector<std::size_t> widths = natural;
  narrow(table, columns, widths);
  while (line_width(widths) > columns) {
    std::size_t first = table.size();
    for (std::size_t c = 0; c < table.size(); ++c) {
      const bool may = table[c].drop > 0 && natural[c] > 0;
      if (may && (first == table.size() || table[c].drop < table[first].drop)) first = c;
    }
    if (first == table.size()) break;
    natural[first] = 0;
    widths = natural;
    narrow(table, columns, widths);
  }
  return widths;
}

std::string table_line(const std::vector<TableColumn>& table, const std::vector<std::string>& cells,
                       const std::vector<std::size_t>& widths, std::size_t indent) {
  std::string line(indent, ' ');
  for (std::size_t c = 0; c < table.size(); ++c) {
    if (widths[c] == 0) continue;
    if (line.size() > indent) line.append(kGap, ' ');
    line += table[c].left || width_of(cells[c]) > widths[c] ? fit(cells[c], widths[c])
                                                            : align_right(cells[c], widths[c]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string fit(const std::string& any_text, std::size_t width) {
  const std::string text = printable(any_text);
  if (width_of(text) <= width) return text + std::string(width - width_of(text), ' ');
  if (width == 0) return "";
  std::string cut = text;
  while (width_of(cut) >= width) cut.pop_back();
  return cut + "~";
}

std::string align_right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, width_of(text)), ' ') + text;
}

std::string wrap(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string all;
  std::size_t used = 0;       // columns of the last line
  bool line_is_empty = true;  // whether it has no word yet
  const auto end_line = [&] {
    all += '\n';
    used = 0;
    line_is_empty = true;
  };
  for (std::size_t begin = 0; begin < text.size();) {
    // A word with the blanks before it, which vanish where a line ends.
    const std::size_t start = std::min(text.find_first_not_of(' ', begin), text.size());
    std::size_t end = std::min(text.find_first_of(" \n|", start), text.size());
    if (end < text.size() && text[end] == '|') ++end;  // lists of choices
    std::size_t blanks = start - begin;
    const std::string_view word = text.substr(start, end - start);
    if (!word.empty()) {
      if (!line_is_empty && used + blanks + width_of(word) > columns) end_line();
      if (line_is_empty && !all.empty()) blanks = indent;
      all.append(blanks, ' ');
      all += word;
      used += blanks + width_of(word);
      line_is_empty = false;
    }
    begin = end;
    if (begin < text.size() && text[begin] == '\n') {
      end_line();
      ++begin;
    }
  }
  return all;
}

std::vector<std::string> table_lines(const std::vector<TableColumn>& table,
                                     const std::vector<std::vector<std::string>>& cells,
                                     std::size_t columns, std::size_t indent) {
  std::vector<std::vector<std::string>> rows = cells;
  for (auto& row : rows) std::ranges::transform(row, row.begin(), printable);
  const std::vector<std::size_t> widths =
      widths_within(table, natural_widths(table, rows), columns - std::min(columns, indent));
  std::vector<std::string> titles;
  for (const TableColumn& column : table) titles.push_back(column.title);
  std::vector<std::string> lines{table_line(table, titles, widths, indent)};
  for (const auto& row : rows) lines.push_back(table_line(table, row, widths, indent));
  return lines;
}

}  // namespace bptplr
