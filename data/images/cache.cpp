#include "data/images/cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "data/images/cache_folder.hpp"
#include "data/images/cache_format.hpp"
#include "data/images/image_file.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/hash.hpp"
#include "engine/io/mapped_file.hpp"
#include "engine/io/open_file.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;
using image_cache::Header;
using image_cache::Record;

/// Size of the chunks of images that are decoded and then written: limits the memory, but gives
/// every thread an image.
constexpr std::int64_t kChunkBytes = std::int64_t{64} << 20;
constexpr std::int64_t kMinChunk = 32;
constexpr std::int64_t kMaxChunk = 512;
/// Number of images whose checksums a thread computes at a time.
constexpr std::int64_t kVerifyGrain = 64;

void warn(const LoadReport& report, const std::string& sentence) {
  if (report.warning) report.warning(sentence);
}

/// Returns a hash of what decides the images, but for the content of the files.
std::uint64_t hash_list(const CacheRequest& request) {
  std::uint64_t hash = request.files.size();
  for (const fs::path& file : request.files) hash = hash_bytes(file.native(), hash);
  return request.exif ? hash_bytes("upright", hash) : hash;
}

/// Returns size and time of each file; zeros where stat fails, which decoding will report.
std::vector<Record> stat_files(const std::vector<fs::path>& files) {
  std::vector<Record> records(files.size());
  kernels::parallel_for(std::ssize(files), 1024, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      struct stat status {};
      if (::stat(files[i].c_str(), &status) != 0) continue;
      records[i].size = static_cast<std::uint64_t>(status.st_size);
      records[i].modified_ns =
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    }
  });
  return records;
}

std::uint64_t checksum_of(Header header, std::span<const Record> records) {
  header.checksum = 0;
  const std::uint64_t hash =
      hash_bytes(std::span(reinterpret_cast<const std::uint8_t*>(&header), sizeof header));
  return hash_bytes(
      std::span(reinterpret_cast<const std::uint8_t*>(records.data()), records.size_bytes()), hash);
}

std::int64_t bytes_per_image(int side) {
  return std::int64_t{side} * side * 3;
}

/// Returns the sentence about an unreadable file; empty if it is readable.
std::string problem_of(const fs::path& file, bool exif) {
  try {
    std::array<std::uint8_t, 3> pixel{};
    read_resized(file, 1, exif, pixel.data());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

[[noreturn]] void fail_bad(const std::string& problem) {
  throw Error("{}, or leave such files out with --on_bad_image skip", problem);
}

/// Result of opening a cache, and whether it is damaged rather than merely out of date.
struct Opened {
  std::optional<CachedImages> images;
  std::vector<std::string> left_out;  ///< a sentence about each file without an image
  bool damaged = false;
};

Opened damaged_cache() {
  return {.images = {}, .left_out = {}, .damaged = true};
}

CachedImages map_images(const std::shared_ptr<const MappedFile>& file, const Header& header,
                        std::span<const Record> records) {
  CachedImages cached;
  cached.images = {
      header.count,
      header.side,
      header.side,
      file->bytes().subspan(static_cast<std::size_t>(image_cache::pixels_offset(header.files))),
      file,
      true};
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].row < 0) continue;
    cached.kept.push_back(static_cast<std::int64_t>(i));
    cached.hashes.push_back(records[i].hash);
  }
  const double values = static_cast<double>(header.count) * header.side * header.side;
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(header.sum[c]) / values;
    const double square = static_cast<double>(header.sum_squares[c]) / values;
    cached.mean[c] = mean / 255.0;
    cached.std[c] = std::sqrt(std::max(square - mean * mean, 0.0)) / 255.0;
  }
  return cached;
}

/// Returns whether the images match the hashes in the records.
bool images_are_whole(const Images& images, const CachedImages& cached,
                      std::span<const Record> records) {
  std::atomic<bool> whole = true;
  kernels::parallel_for(images.count, kVerifyGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end && whole; ++i) {
      const Record& record =
          records[static_cast<std::size_t>(cached.kept[static_cast<std::size_t>(i)])];
      const std::span image(images.image(i), static_cast<std::size_t>(images.bytes_per_image()));
      if (record.row != i || hash_bytes(image) != record.hash) whole = false;
    }
  });
  return whole;
}

bool same_files(std::span<const Record> cached, std::span<const Record> now) {
  return std::equal(cached.begin(), cached.end(), now.begin(), now.end(),
                    [](const Record& a, const Record& b) {
                      return a.size == b.size && a.modified_ns == b.modified_ns;
                    });
}

/// Returns the previous version's caches in the folder of exactly these files, in the same state.
std::vector<fs::path> caches_of_version_before(const CacheRequest& request,
                                               std::span<const Record> now) {
  std::vector<fs::path> found;
  for (const std::string& name : names_in_folder(request.cache.parent_path())) {
    const fs::path path = request.cache.parent_path() / name;
    if (path.extension() != request.cache.extension()) continue;
    const std::shared_ptr<const MappedFile> file = [&] {
      try {
        return MappedFile::open(path);
      } catch (const Error&) {  // whatever it is, it is no cache of ours
        return std::shared_ptr<const MappedFile>();
      }
    }();
    Header header;
    if (file == nullptr || file->bytes().size() < sizeof header + now.size_bytes()) continue;
    std::memcpy(&header, file->bytes().data(), sizeof header);
    if (header.magic != image_cache::kMagic || header.version != image_cache::kVersionBefore ||
        header.side != request.side || header.files != std::ssize(now)) {
      continue;
    }
    std::vector<Record> cached(now.size());
    std::memcpy(cached.data(), file->bytes().data() + sizeof header, now.size_bytes());
    if (same_files(cached, now)) found.push_back(path);
  }
  return found;
}

/// Returns why each file without an image is unreadable now; "" if it has become readable.
std::vector<std::string> left_out_files(const CacheRequest& request, const CachedImages& cached) {
  std::vector<std::string> problems;
  auto kept = cached.kept.begin();
  for (std::int64_t i = 0; i < std::ssize(request.files); ++i) {
    if (kept != cached.kept.end() && *kept == i) {
      ++kept;
    } else {
      problems.push_back(problem_of(request.files[static_cast<std::size_t>(i)], request.exif));
    }
  }
  return problems;
}

/// Throws Error if somebody else may have written the images of a cache: unless its owner is the
/// user, root or the owner of its folder, and nobody else may write to it.
void require_trusted(const fs::path& cache, const FileStatus& status) {
  struct stat folder {};
  const bool known = ::stat(cache.parent_path().c_str(), &folder) == 0;
  const bool is_owner_trusted =
      status.owner == ::geteuid() || status.owner == 0 || (known && status.owner == folder.st_uid);
  require(is_owner_trusted && (status.mode & (S_IWGRP | S_IWOTH)) == 0,
          "{} could have been written by another user, who decides then what is trained on; remove "
          "it, or name another --cache_dir",
          cache.string());
}

/// Opens the cache of exactly these files, whose current state is `now`.
Opened open_cache(const CacheRequest& request, std::span<const Record> now) {
  const auto file = MappedFile::open(request.cache);
  if (file == nullptr) return {};
  require_trusted(request.cache, file->status());
  const auto bytes = file->bytes();
  Header header;
  if (bytes.size() < sizeof header) return damaged_cache();
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != image_cache::kMagic) return damaged_cache();
  const auto files = static_cast<std::int64_t>(request.files.size());
  if (header.version != image_cache::kVersion || header.files != files ||
      header.side != request.side || header.list_hash != hash_list(request)) {
    return {};
  }
  const std::int64_t offset = image_cache::pixels_offset(files);
  if (header.count < 1 || header.count > files ||
      std::ssize(bytes) != offset + header.count * bytes_per_image(request.side)) {
    return damaged_cache();
  }
  std::vector<Record> records(request.files.size());
  std::memcpy(records.data(), bytes.data() + sizeof header, records.size() * sizeof(Record));
  if (header.checksum != checksum_of(header, records)) return damaged_cache();
  if (!same_files(records, now)) return {};
  CachedImages cached = map_images(file, header, records);
  if (std::ssize(cached.kept) != header.count ||
      !images_are_whole(cached.images, cached, records)) {
    return damaged_cache();
  }
  auto left_out = left_out_files(request, cached);
  const bool readable_now = std::ranges::find(left_out, "") != left_out.end();
  if (readable_now) return {};  // size and time do not show changed permissions
  return {std::move(cached), std::move(left_out), false};
}

/// Decodes the files and writes their images in order, one chunk at a time.
class CacheBuilder {
 public:
  CacheBuilder(const CacheRequest& request, std::vector<Record> records, FileBuilder& file)
      : request_(request), records_(std::move(records)), file_(file) {
    header_.side = request.side;
    header_.files = std::ssize(request.files);
    header_.list_hash = hash_list(request);
  }

  void build(const LoadReport& report) {
    // Until the right one replaces it, says whose file it is if this process is killed.
    write_header();
    const std::int64_t total = header_.files;
    const std::int64_t chunk =
        std::clamp(kChunkBytes / bytes_per_image(request_.side), kMinChunk, kMaxChunk);
    for (std::int64_t first = 0; first < total; first += chunk) {
      const std::int64_t end = std::min(first + chunk, total);
      decode(first, end);
      append(first, end);
      if (report.progress) report.progress(end, total);
    }
    require(header_.count > 0,
            "none of the {} image files is readable, the first being {}; check "
            "the data with `bptplr data check`",
            total, request_.files.front().string());
    header_.checksum = checksum_of(header_, records_);
    write_header();
    file_.write(sizeof header_, {reinterpret_cast<const std::uint8_t*>(records_.data()),
                                 records_.size() * sizeof(Record)});
    file_.commit();
  }

 private:
  struct Decoded {
    std::string problem;
    std::array<std::uint64_t, 3> sum{};
    std::array<std::uint64_t, 3> sum_squares{};
  };

  void write_header() {
    file_.write(0, {reinterpret_cast<const std::uint8_t*>(&header_), sizeof header_});
  }

  std::span<std::uint8_t> image(std::int64_t i) {
    const auto size = static_cast<std::size_t>(bytes_per_image(request_.side));
    return std::span(pixels_).subspan(static_cast<std::size_t>(i) * size, size);
  }

  /// Decodes the readable files of [first, end) into pixels_.
  void decode(std::int64_t first, std::int64_t end) {
    pixels_.resize(static_cast<std::size_t>((end - first) * bytes_per_image(request_.side)));
    decoded_.assign(static_cast<std::size_t>(end - first), {});
    kernels::parallel_for(end - first, 1, [&](std::int64_t begin, std::int64_t stop) {
      for (std::int64_t i = begin; i < stop; ++i) {
        Decoded& decoded = decoded_[static_cast<std::size_t>(i)];
        try {
          const auto file = static_cast<std::size_t>(first + i);
          read_resized(request_.files[file], request_.side, request_.exif, image(i).data());
          records_[file].hash = hash_bytes(image(i));
          add_up(image(i), decoded);
        } catch (const Error& error) {
          decoded.problem = error.what();
        }
      }
    });
  }

  static void add_up(std::span<const std::uint8_t> image, Decoded& decoded) {
    for (std::size_t i = 0; i < image.size(); ++i) {
      decoded.sum[i % 3] += image[i];
      decoded.sum_squares[i % 3] += std::uint64_t{image[i]} * image[i];
    }
  }

  /// Removes the gaps of unreadable files and writes the images.
  void append(std::int64_t first, std::int64_t end) {
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < end - first; ++i) {
      const Decoded& decoded = decoded_[static_cast<std::size_t>(i)];
      if (!decoded.problem.empty()) {
        if (request_.on_bad_image == OnBadImage::kStop) fail_bad(decoded.problem);
        continue;
      }
      if (kept < i) std::ranges::copy(image(i), image(kept).begin());
      records_[static_cast<std::size_t>(first + i)].row = header_.count + kept++;
      for (std::size_t c = 0; c < 3; ++c) {
        header_.sum[c] += decoded.sum[c];
        header_.sum_squares[c] += decoded.sum_squares[c];
      }
    }
    const std::int64_t size = bytes_per_image(request_.side);
    file_.write(image_cache::pixels_offset(header_.files) + header_.count * size,
                std::span(pixels_).first(static_cast<std::size_t>(kept * size)));
    header_.count += kept;
  }

  const CacheRequest& request_;
  std::vector<Record> records_;
  FileBuilder& file_;
  Header header_;
  std::vector<std::uint8_t> pixels_;
  std::vector<Decoded> decoded_;
};

void make_cache_folder(const fs::path& folder) {
  try {
    make_folders(folder);
  } catch (const Error& error) {
    throw Error("{}, or another --cache_dir, as decoded images are kept there", error.what());
  }
}

std::int64_t needed_bytes(const CacheRequest& request) {
  const std::int64_t files = std::ssize(request.files);
  return image_cache::pixels_offset(files) + files * bytes_per_image(request.side);
}

/// Throws Error at once if the cache would fill the disk, which may otherwise take hours.
void require_space(const CacheRequest& request) {
  const std::int64_t files = std::ssize(request.files);
  const auto needed = static_cast<std::uintmax_t>(needed_bytes(request));
  std::error_code error;
  const fs::space_info space = fs::space(request.cache.parent_path(), error);
  require(error || space.available >= needed,
          "{} decoded images take {} MiB, but only {} MiB are free in {}; name another --cache_dir",
          files, needed >> 20, space.available >> 20, request.cache.parent_path().string());
}

}  // namespace

CachedImages cached_images(const CacheRequest& request, const LoadReport& report) {
  require(!request.files.empty(), "there are no image files to load for {}",
          request.cache.filename().string());
  const std::vector<Record> now = stat_files(request.files);
  Opened opened = open_cache(request, now);
  if (!opened.images) {
    make_cache_folder(request.cache.parent_path());
    bool is_said = false;
    FileBuilder file(request.cache, [&] {
      if (!std::exchange(is_said, true)) {
        warn(report,
             fmt::format("another process is writing {}; waiting for it", request.cache.string()));
      }
      if (report.progress) report.progress(0, std::ssize(request.files));  // a signal ends it
    });
    opened = open_cache(request, now);  // written by the process just waited for
    if (!opened.images) {
      if (opened.damaged) {
        warn(report, fmt::format("{} is damaged and is made anew", request.cache.string()));
      }
      const std::vector<fs::path> outdated = caches_of_version_before(request, now);
      for (const fs::path& cache : outdated) {
        warn(report, fmt::format("{} has format {} of an earlier version; it is made anew in "
                                 "format {} as {}",
                                 cache.string(), image_cache::kVersionBefore, image_cache::kVersion,
                                 request.cache.filename().string()));
      }
      std::error_code ignored;  // before the new one is written: there may be room for one only
      for (const fs::path& cache : outdated) fs::remove(cache, ignored);
      make_room(request.cache, needed_bytes(request), request.limit, report);
      require_space(request);
      CacheBuilder(request, now, file).build(report);
      opened = open_cache(request, now);
      require(opened.images.has_value(),
              "{} does not read back as it was written; check the disk or name another --cache_dir",
              request.cache.string());
    }
  }
  keep_in_use(request.cache, opened.images->images);
  for (const std::string& problem : opened.left_out) {
    if (request.on_bad_image == OnBadImage::kStop) fail_bad(problem);
    warn(report, "left out: " + problem);
  }
  return std::move(*opened.images);
}

fs::path default_cache_folder() {
  // Relative values are ignored: https://specifications.freedesktop.org/basedir-spec
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && fs::path(cache).is_absolute()) return fs::path(cache) / "bptplr";
  const char* home = std::getenv("HOME");
  require(home != nullptr && fs::path(home).is_absolute(),
          "there is no place for decoded images, as neither XDG_CACHE_HOME nor HOME is set; name "
          "one with --cache_dir");
  return fs::path(home) / ".cache" / "bptplr";
}

}  // namespace bptplr
