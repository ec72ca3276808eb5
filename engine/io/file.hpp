// Whole files in and out, with errors that name them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace bptplr {

/// The bytes of a regular file. Throws Error when it is missing, no regular file or unreadable.
std::string read_file(const std::filesystem::path& path);

/// Where a file that is to be replaced by another one lies: at the end of symbolic links. Throws
/// Error where something else than a regular file is there, e.g. a device or a pipe, which a new
/// file under that name would remove.
std::filesystem::path replaceable_file(const std::filesystem::path& path);

/// Puts `bytes` under a temporary name beside `path`, flushes them to the disk and renames: `path`
/// holds either its old bytes or all new ones. Throws Error when the disk is full or the folder is
/// not writable.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// Makes the folder and those around it, where they are missing. Throws Error when that fails.
void make_folders(const std::filesystem::path& path);

/// Adds `bytes` to the end of a file, which is made where it is missing, and flushes them to the
/// disk: all of them, or none and an Error. (A process killed meanwhile may leave some.)
void append_to_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace bptplr
