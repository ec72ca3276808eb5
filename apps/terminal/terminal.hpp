// Writes text and figures to stdout, and warnings to stderr. Names of files and classes and values
// of recipes come from strangers: every function but say and styled makes text printable first
// (engine/text.hpp), and so do the tables of text_layout.hpp.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/terminal/text_layout.hpp"
#include "bpt_plr/recipe/choices.hpp"

namespace bptplr {

/// Returns whether stdout is a terminal that supports escape codes.
bool stdout_is_terminal();
/// Returns whether TERM promises support of escape codes: it is neither missing nor "dumb".
bool obeys_escapes();

inline constexpr const char* kBold = "\033[1m";
inline constexpr const char* kGreen = "\033[32m";
/// Returns `text` in `style` if stdout is such a terminal and the user has not disabled colour.
std::string styled(const std::string& text, const char* style);

/// Decides for the rest of the process what is printed: text, JSON events in its place, or, if
/// `quiet`, neither but for warnings, errors and the end.
void set_output(LogFormat format, bool quiet);
/// Makes the rest of the process print nothing but errors: of several ranks, the first one speaks.
void print_nothing_but_errors();
bool prints_errors_only();
/// Return whether text for people, and events as JSON, are printed.
bool prints_text();
bool prints_json();

/// Writes an event on a line of stdout: {"event": NAME, ...fields}.
void say_event(const char* name, const nlohmann::ordered_json& fields);
/// Writes the last line of a command, which scripts read, unless events are printed;
/// only a terminal breaks it.
void say_last(const std::string& line);

/// Writes to stdout, if text for people is printed. Text that cannot be written (full disk, closed
/// pipe) is lost without an error, which would stop training; `main` reports it at the end.
void say(const std::string& text);

/// Returns the columns of a table on stdout: COLUMNS, else the width of the terminal, else 80.
std::size_t terminal_columns();
/// Returns the columns at which sentences break on `file`, a descriptor: the same on a terminal, no
/// limit elsewhere, as nothing cuts the lines of a file and programs read them.
std::size_t line_columns(int file);

/// Columns of a name of a field and the gap after it.
inline constexpr std::size_t kFieldName = 10;
/// Writes a field of a description, "data      ...", with sentences broken below their beginning;
/// its name takes `width` columns.
void say_field(const std::string& name, const std::string& text, std::size_t width = kFieldName);
/// Writes a table (table_lines) as wide as terminal_columns() allows. Its `paths`, if any, make a
/// last column called `title`; where they have no room, each goes on a line of its own, whole.
void say_table(const std::vector<TableColumn>& table,
               const std::vector<std::vector<std::string>>& rows, const std::string& title = "",
               const std::vector<std::string>& paths = {});
/// Writes a sentence on stdout, broken between words.
void say_sentence(const std::string& sentence);
/// Writes "bptplr: warning: ..." or "bptplr: error: ..." to stderr, broken between words; a warning
/// becomes an event where these are printed.
void print_warning(const std::string& sentence);
void print_error(const std::string& sentence);

/// Writes to stderr. Text that cannot be written (full disk, closed pipe) is lost without an error,
/// which would stop training.
void write_to_stderr(const std::string& text);

/// Formats a number with `decimals` decimals; "-" if it is not finite.
std::string number_text(double value, int decimals);

}  // namespace bptplr
