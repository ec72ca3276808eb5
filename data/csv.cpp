#include "data/csv.hpp"

#include <algorithm>
#include <utility>

#include "engine/error.hpp"

namespace bptplr {
namespace {

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
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? "\"\"" : std::string(1, c);
  return field + "\"";
}

}  // namespace bptplr
