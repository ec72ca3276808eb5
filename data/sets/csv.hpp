// Comma-separated values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

struct CsvRow {
  std::size_t line = 0;  ///< in the file, from 1
  std::vector<std::string> fields;
};

/// The rows of a table as RFC 4180 has them: fields may stand in quotes, "" inside of quotes is
/// one, lines end in LF or CRLF. A byte-order mark and empty lines are passed over. Throws Error
/// naming `name` and the line when quotes are not as they should be.
std::vector<CsvRow> parse_csv(std::string_view text, const std::string& name);

/// `text` as a field of such a table: in quotes where it holds a comma, a quote or an end of line.
std::string csv_field(std::string_view text);

}  // namespace bptplr
