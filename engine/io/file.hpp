// Reads and writes whole files; errors name the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace bptplr {

/// Returns the bytes of a regular file. Throws Error when it is missing, not regular or unreadable.
std::string read_file(const std::filesystem::path& path);

/// Returns the path at which to replace a file, after following symbolic links. Throws Error if it
/// is not a regular file, e.g. a device or a pipe, which a new file of that name would remove.
std::filesystem::path replaceable_file(const std::filesystem::path& path);

/// Writes `bytes` to a temporary file beside `path`, flushes it to the disk and renames it: `path`
/// has either its old bytes or all new ones. Throws Error if the disk is full or the folder is
/// read-only.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// Creates the folder and its parents if needed. Throws Error on failure.
void make_folders(const std::filesystem::path& path);

/// Appends `bytes` to a file, created if needed, and flushes it to the disk: all of them, or none
/// and throws Error. (If the process is killed meanwhile, some may remain.)
void append_to_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace bptplr
