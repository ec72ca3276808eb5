// Comma-separated values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

struct CsvRow {
  std::size_t line = 0;  ///< line number in the file, from 1
  std::vector<std::string> fields;
};

/// Parses the rows of an RFC 4180 table: fields may be quoted, "" within quotes is one quote, lines
/// end in LF or CRLF. Skips a byte-order mark and empty lines. Throws Error naming `name` and the
/// line for misplaced or missing quotes, and for a zero byte, which no path or name has.
std::vector<CsvRow> parse_csv(std::string_view text, const std::string& name);

/// Returns `text` as a field of a CSV table: quoted if it holds a comma, a quote or an end of line.
/// Text that a spreadsheet would take for a formula (= + - @ first) gets a ' in front, which makes
/// it text there; parse_csv takes that ' away.
std::string csv_field(std::string_view text);

}  // namespace bptplr
