// Opens files so that neither a pipe can make the program wait nor a link lead it elsewhere.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bptplr {

/// Open file, closed at the end of its life; a lock on it ends with it.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int file) : file_(file) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { close(); }

  int get() const { return file_; }
  bool valid() const { return file_ >= 0; }
  void close();

 private:
  int file_ = -1;
};

/// What fstat says of a file that is open.
struct FileStatus {
  std::int64_t size = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t owner = 0;
  std::uint32_t mode = 0;  ///< permissions alone
};

/// Returns the system's words for an error number.
std::string reason(int error);

/// Opens a regular file for reading. Throws Error naming it when it is missing or unreadable, or a
/// pipe, device, socket or folder, on which opening could wait for ever.
Descriptor open_to_read(const std::filesystem::path& path, FileStatus& status);
/// Likewise, but returns an invalid descriptor when there is no such file.
Descriptor open_if_there(const std::filesystem::path& path, FileStatus& status);

/// What open_to_write does about what is there.
enum class Existing {
  kReplace,  ///< removes it first: nobody else can have the new file open
  kKeep      ///< opens it
};

/// Opens a regular file of this very name for reading and writing, created if needed; never follows
/// a symbolic link. Where it is new, only its owner may read it, see publish. Throws Error.
Descriptor open_to_write(const std::filesystem::path& path, Existing existing, FileStatus& status);

/// Gives a file the permissions that new ones have here: those of 0644 that the umask leaves.
void publish(const Descriptor& file);

/// Returns whether `path` names this file and not another one or none.
bool is_named(const FileStatus& status, const std::filesystem::path& path);

/// Returns whether there is a file, folder or anything else of this name (a link counts as what it
/// leads to). Throws Error when the system does not tell: not permitted, or too long a name.
bool path_exists(const std::filesystem::path& path);
/// Likewise, whether it is a folder, and a regular file.
bool is_folder(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);
/// Likewise, whether the name is taken, be it by a link to nowhere.
bool is_taken(const std::filesystem::path& path);

/// Returns the names of what is in a folder, sorted by their bytes. Throws Error when it cannot be
/// read to its end, where std::filesystem would end the program or leave names out.
std::vector<std::string> names_in_folder(const std::filesystem::path& folder);

}  // namespace bptplr
