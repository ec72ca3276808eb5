// Reads and writes whole files; errors name the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace bptplr {

/// Returns the bytes of a regular file. Throws Error when it is missing, not regular or unreadable.
std::string read_file(const std::filesystem::path& path);

/// Returns the file that the user means by a name for output: a symbolic link's target, if the name
/// is one. Throws Error if it is not a regular file, e.g. a device or a pipe, which a new file of
/// that name would remove. For names that the user gives; files that the program names itself
/// replace a link, which a stranger may have put there.
std::filesystem::path output_file(const std::filesystem::path& path);

/// Writes `bytes` to a new file PATH.part, flushes it to the disk and renames it: `path` has either
/// its old bytes or all new ones. A symbolic link of either name is replaced, not followed. Throws
/// Error if the disk is full or the folder is read-only.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// Creates the folder and its parents if needed; only their owner may write to new ones. Throws
/// Error on failure.
void make_folders(const std::filesystem::path& path);

/// Appends `bytes` to a file, created if needed, and flushes it to the disk: all of them, or none
/// and throws Error. (If the process is killed meanwhile, some may remain.) A symbolic link is an
/// error.
void append_to_file(const std::filesystem::path& path, std::string_view bytes);

/// Flushes a folder to the disk, so that the name of a new file survives a power failure. Some file
/// systems cannot, which is not an error.
void flush_folder(const std::filesystem::path& folder);

}  // namespace bptplr
