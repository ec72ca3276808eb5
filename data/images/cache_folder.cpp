#include "data/images/cache_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <functional>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "data/images/cache_format.hpp"
#include "engine/error.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExtension = ".images";
constexpr const char* kPartExtension = ".part";
constexpr std::int64_t kSecond = 1'000'000'000;

/// Open file that can be locked.
class OpenFile {
 public:
  /// Opens a file for reading, which suffices for a lock. Neither follows a link nor waits for a
  /// pipe.
  explicit OpenFile(const fs::path& path)
      : file_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {}

  int get() const { return file_.get(); }
  /// Locks the file; with LOCK_NB in `how`, returns false rather than wait for another's lock.
  bool lock(int how) const {
    while (::flock(file_.get(), how) != 0) {
      if (errno != EINTR) return false;
    }
    return true;
  }

 private:
  Descriptor file_;
};

bool is_cache_name(const fs::path& path) {
  return path.extension() == kExtension ||
         (path.extension() == kPartExtension && path.stem().extension() == kExtension);
}

/// Returns the header of an open cache; nothing if it is not one.
std::optional<image_cache::Header> header_of(const OpenFile& file) {
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  image_cache::Header header;
  const ssize_t n = ::pread(file.get(), &header, sizeof header, 0);
  if (n != static_cast<ssize_t>(sizeof header) || header.magic != image_cache::Header{}.magic) {
    return {};
  }
  return header;
}

/// Takes name and split from "NAME-SPLIT-SIDE-HASH.images"; a name may have hyphens itself.
void read_name(CacheFile& cache) {
  std::string name = cache.path.filename().string();
  name.resize(name.find(kExtension));
  std::array<std::string, 3> parts;  // hash, side, split
  for (std::string& part : parts) {
    const std::size_t hyphen = name.rfind('-');
    if (hyphen == std::string::npos) break;
    part = name.substr(hyphen + 1);
    name.resize(hyphen);
  }
  cache.set = name;
  cache.split = parts[2];
}

std::optional<CacheFile> describe(const fs::path& path) {
  if (!is_cache_name(path)) return {};
  const OpenFile file(path);
  const auto header = header_of(file);
  struct stat status {};
  if (!header || ::fstat(file.get(), &status) != 0) return {};
  CacheFile cache;
  cache.path = path;
  cache.side = header->side;
  cache.count = header->count;
  cache.bytes = std::int64_t{status.st_size};
  cache.last_used_ns = std::int64_t{status.st_mtim.tv_sec} * kSecond + status.st_mtim.tv_nsec;
  cache.in_use = !file.lock(LOCK_EX | LOCK_NB);
  cache.is_complete = path.extension() == kExtension;
  read_name(cache);
  return cache;
}

std::int64_t total_bytes(const std::vector<CacheFile>& caches) {
  return std::accumulate(
      caches.begin(), caches.end(), std::int64_t{0},
      [](std::int64_t sum, const CacheFile& cache) { return sum + cache.bytes; });
}

/// Returns half of what is free on the disk of `folder` or taken by the caches there.
std::int64_t usual_limit(const fs::path& folder, std::int64_t taken) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  return error ? INT64_MAX : (static_cast<std::int64_t>(space.available) + taken) / 2;
}

}  // namespace

std::vector<CacheFile> list_caches(const fs::path& folder) {
  std::vector<CacheFile> caches;
  if (!path_exists(folder)) return caches;
  for (const std::string& name : names_in_folder(folder)) {
    if (auto cache = describe(folder / name)) caches.push_back(std::move(*cache));
  }
  std::ranges::stable_sort(caches, std::greater<>(), &CacheFile::last_used_ns);
  return caches;
}

bool remove_cache(const fs::path& path) {
  const OpenFile file(path);
  if (!is_cache_name(path) || !header_of(file) || !file.lock(LOCK_EX | LOCK_NB)) return false;
  struct stat mine {};
  struct stat named {};
  // Another process may have put a new file under this name, which is not locked here.
  const bool same = ::fstat(file.get(), &mine) == 0 && ::lstat(path.c_str(), &named) == 0 &&
                    mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
  return same && ::unlink(path.c_str()) == 0;
}

std::shared_ptr<const void> use_cache(const fs::path& path) {
  const auto file = std::make_shared<const OpenFile>(path);
  if (file->get() < 0) return nullptr;
  // A process that looks whether the cache is in use has a lock on it for a moment; whoever has one
  // for longer does so to make others wait.
  constexpr std::chrono::milliseconds kPause(10);
  constexpr int kTries = 100;
  for (int i = 0; !file->lock(LOCK_SH | LOCK_NB); ++i) {
    if (i == kTries) return nullptr;
    std::this_thread::sleep_for(kPause);
  }
  // Fails for another user's cache, whose time then stays that of its own use.
  static_cast<void>(::futimens(file->get(), nullptr));
  return file;
}

void keep_in_use(const fs::path& cache, Images& images) {
  using Owners = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
  images.owner = std::make_shared<const Owners>(images.owner, use_cache(cache));
}

void make_room(const fs::path& cache, std::int64_t needed, std::int64_t limit,
               const LoadReport& report) {
  std::vector<CacheFile> caches = list_caches(cache.parent_path());
  const bool is_asked = limit > 0;
  std::int64_t taken = total_bytes(caches);
  if (!is_asked) limit = usual_limit(cache.parent_path(), taken);
  std::int64_t in_use = 0;
  for (const CacheFile& of : caches) in_use += of.in_use ? of.bytes : 0;
  require(!is_asked || in_use + needed <= limit,
          "{} takes {} of decoded images, and caches in use take {}, but --cache_limit is {}; "
          "raise it, or use a smaller --image_size",
          cache.filename().string(), bytes_text(needed), bytes_text(in_use), bytes_text(limit));
  fs::path part = cache;
  part += kPartExtension;
  // The outdated cache of the same images first, then by age.
  std::ranges::reverse(caches);
  // Not of std::ranges, whose result clang 14 cannot make with the library of GCC 12.
  std::stable_partition(caches.begin(), caches.end(),
                        [&](const CacheFile& of) { return of.path == cache; });
  for (const CacheFile& of : caches) {
    if (taken + needed <= limit) break;
    if (of.path == part || !remove_cache(of.path)) continue;
    taken -= of.bytes;
    if (!report.warning) continue;
    report.warning(
        fmt::format("removed {} ({}, last used {}), so that decoded images take at most {} in {} "
                    "(--cache_limit)",
                    of.path.filename().string(), bytes_text(of.bytes), time_text(of.last_used_ns),
                    bytes_text(limit), cache.parent_path().string()));
  }
}

std::string bytes_text(std::int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 1024.0 * 1024.0 * 1024.0) return fmt::format("{:.1f} GiB", value / (1U << 30U));
  if (value >= 1024.0 * 1024.0) return fmt::format("{:.1f} MiB", value / (1U << 20U));
  return fmt::format("{:.0f} KiB", value / 1024.0);
}

std::string time_text(std::int64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / kSecond);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &local);
  return text.data();
}

}  // namespace bptplr
