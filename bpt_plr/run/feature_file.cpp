#include "bpt_plr/run/feature_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

/// Bytes of the header, which leave room for any number of rows: a multiple of 64, as numpy's.
constexpr std::size_t kHeaderBytes = 128;

std::string npy_header(std::int64_t rows, std::int64_t dim) {
  std::string text =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, dim);
  constexpr std::size_t kBefore = 10;
  text.resize(kHeaderBytes - kBefore - 1, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xffU);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

}  // namespace

FeatureFile::FeatureFile(const std::filesystem::path& path, std::int64_t dim, std::uint64_t key)
    : path_(output_file(path)),
      part_(path_.string() + ".part"),
      note_(path_.string() + ".part.json"),
      dim_(dim),
      key_(key) {
  if (path_.has_parent_path()) make_folders(path_.parent_path());
  FileStatus status;
  file_ = open_to_write(part_, Existing::kKeep, status);
  require(::flock(file_.get(), LOCK_EX | LOCK_NB) == 0,
          "another process writes {}; wait for it, or choose another --out", part_.string());
  resume();
}

/// Takes over what an earlier process has noted, if it is of the same work and all there.
void FeatureFile::resume() {
  nlohmann::json note;
  if (path_exists(note_)) note = parse_json_or_none(read_file(note_));
  FileStatus status;
  open_to_read(part_, status);
  try {
    if (note.is_object() && note.at("key").get<std::uint64_t>() == key_) {
      FeatureProgress progress{note.at("files_done").get<std::int64_t>(),
                               note.at("kept").get<std::vector<std::int64_t>>()};
      const auto bytes = static_cast<std::int64_t>(kHeaderBytes) +
                         std::ssize(progress.kept) * dim_ * std::int64_t{sizeof(float)};
      if (status.size >= bytes) progress_ = std::move(progress);
    }
  } catch (const nlohmann::json::exception&) {  // not ours, or of another version: begin again
  }
}

void FeatureFile::write(std::int64_t offset, const void* bytes, std::size_t count) const {
  const auto* from = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::pwrite(file_.get(), from, count, offset);
    if (written < 0 && errno == EINTR) continue;
    require(written > 0, "cannot write {}: {}; what is written stays, and the same command goes on",
            part_.string(), reason(written < 0 ? errno : ENOSPC));
    from += written;
    offset += written;
    count -= static_cast<std::size_t>(written);
  }
}

void FeatureFile::write_progress() const {
  const nlohmann::json note{
      {"key", key_}, {"files_done", progress_.files_done}, {"kept", progress_.kept}};
  write_file_atomically(note_, to_text(note) + "\n");
}

void FeatureFile::append(const Tensor& features, const std::vector<std::int64_t>& kept,
                         std::int64_t files_done) {
  const std::int64_t row_bytes = dim_ * std::int64_t{sizeof(float)};
  write(static_cast<std::int64_t>(kHeaderBytes) + std::ssize(progress_.kept) * row_bytes,
        features.raw(), static_cast<std::size_t>(std::ssize(kept) * row_bytes));
  require(::fdatasync(file_.get()) == 0, "cannot write {}: {}", part_.string(), reason(errno));
  progress_.kept.insert(progress_.kept.end(), kept.begin(), kept.end());
  progress_.files_done = files_done;
  write_progress();
}

void FeatureFile::finish() {
  const auto rows = std::ssize(progress_.kept);
  const std::string header = npy_header(rows, dim_);
  write(0, header.data(), header.size());
  const auto end =
      static_cast<std::int64_t>(kHeaderBytes) + rows * dim_ * std::int64_t{sizeof(float)};
  require(::ftruncate(file_.get(), end) == 0 && ::fsync(file_.get()) == 0, "cannot write {}: {}",
          part_.string(), reason(errno));
  publish(file_);
  require(std::rename(part_.c_str(), path_.c_str()) == 0, "cannot rename {} to {}: {}",
          part_.string(), path_.string(), reason(errno));
  flush_folder(path_.has_parent_path() ? path_.parent_path() : ".");
  std::error_code error;
  std::filesystem::remove(note_, error);  // a note without its file is of no account
}

}  // namespace bptplr
