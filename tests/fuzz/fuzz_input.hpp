// Helpers of the fuzzing harnesses.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/error.hpp"

// Entry point of libFuzzer, which requires this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace bptplr {

/// Folder in memory for the files of one process, removed at its end.
class FuzzFolder {
 public:
  FuzzFolder()
      : path_(std::filesystem::path("/dev/shm") / ("bptplr_fuzz_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  FuzzFolder(const FuzzFolder&) = delete;
  FuzzFolder& operator=(const FuzzFolder&) = delete;
  ~FuzzFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

  /// Writes the file `name` and returns its path.
  std::filesystem::path write(const std::string& name, const std::uint8_t* data,
                              std::size_t size) const {
    const auto file = path_ / name;
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    return file;
  }

 private:
  std::filesystem::path path_;
};

inline const FuzzFolder& fuzz_folder() {
  static const FuzzFolder folder;
  return folder;
}

/// Runs a parser, which may throw Error.
template <class Fn>
int parse(Fn&& fn) {
  try {
    fn();
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace bptplr
