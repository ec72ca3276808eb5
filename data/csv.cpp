#include "data/csv.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns the number of ' before what a spreadsheet takes for a formula; nothing if none follows.
std::optional<std::size_t> marks_before_formula(std::string_view text) {
  const std::size_t marks = std::min(text.find_first_not_of('\''), text.size());
  constexpr std::string_view kFormula = "=+-@\t\r";
  if (marks == text.size() || kFormula.find(text[marks]) == std::string_view::npos) return {};
  return marks;
}

/// Reader of comma-separated values that passes over the text once, field by field.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name) : rest_(text), name_(name) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (!rest_.empty()) {
      CsvRow row{line_, {}};
      do {
        row.fields.push_back(rest_.starts_with("\"") ? quoted() : plain());
        finish(row.fields.back());
      } while (take(","));
      if (!take("\r\n") && !take("\n")) {
        require(rest_.empty(), "{}, line {}: text follows a closing quote; put a comma there",
                name_, line_);
      }
      ++line_;
      if (row.fields.size() > 1 || !row.fields.front().empty()) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  void finish(std::string& field) const {
    require(field.find('\0') == std::string::npos,
            "{}, line {}: a field has a zero byte; save the table as UTF-8 text", name_, line_);
    if (marks_before_formula(field).value_or(0) > 0) field.erase(0, 1);
  }

  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  std::string plain() {
    std::size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
    std::string_view field = rest_.substr(0, end);
    if (end < rest_.size() && rest_[end] == '\n' && field.ends_with("\r")) {
      field.remove_suffix(1);
      --end;
    }
    rest_.remove_prefix(end);
    return std::string(field);
  }

  std::string quoted() {
    const std::size_t start = line_;
    std::string field;
    rest_.remove_prefix(1);
    for (;;) {
      const std::size_t end = rest_.find('"');
      require(end != std::string_view::npos, "{}, line {}: a quote is never closed; close it",
              name_, start);
      for (const char c : rest_.substr(0, end)) line_ += c == '\n' ? 1 : 0;
      field += rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      if (!take("\"")) return field;
      field += '"';
    }
  }

  std::string_view rest_;
  const std::string& name_;
  std::size_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, const std::string& name) {
  return CsvReader(text, name).rows();
}

std::string csv_field(std::string_view text) {
  std::string marked(text);
  if (marks_before_formula(text)) marked.insert(marked.begin(), '\'');
  if (marked.find_first_of(",\"\r\n") == std::string_view::npos) return marked;
  std::string field = "\"";
  for (const char c : marked) field += c == '"' ? "\"\"" : std::string(1, c);
  return field + "\"";
}

}  // namespace bptplr
