// The cache of decoded images: what it delivers, when it is made anew, and what cannot break it.
#include "data/images/cache.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <omp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "data/images/image_file.hpp"
#include "data/images/resize.hpp"
#include "data/prefetch.hpp"
#include "engine/error.hpp"
#include "tests/data/images/image_files.hpp"
#include "tests/data/sets/cifar10_files.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 12;

/// A folder of JPEGs and a request for all of them.
class ImageCache : public ::testing::Test {
 protected:
  ImageCache() : folder_(temporary_.path()) {
    request_.side = kSide;
    request_.cache = folder_ / "cache" / "set.images";
  }

  void write_files(int count) {
    for (int i = 0; i < count; ++i) {
      request_.files.push_back(folder_ / ("picture" + std::to_string(i) + ".jpg"));
      write_jpeg(request_.files.back(), class_picture(i % 7, i));
    }
  }

  /// Loads, counting what was reported.
  CachedImages load() {
    decoded_ = 0;
    warnings_.clear();
    return cached_images(request_, {[this](std::int64_t done, std::int64_t) { decoded_ = done; },
                                    [this](const std::string& w) { warnings_.push_back(w); }});
  }

  /// Loads and expects the images of all files that are kept, decoded by hand.
  void expect_right_images() {
    const CachedImages cached = load();
    ASSERT_EQ(std::ssize(cached.kept), cached.images.count);
    for (std::int64_t i = 0; i < cached.images.count; ++i) {
      std::vector<std::uint8_t> expected(kSide * kSide * 3);
      const auto file = static_cast<std::size_t>(cached.kept[static_cast<std::size_t>(i)]);
      resize_and_crop(read_image(request_.files[file]), kSide, expected.data());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), cached.images.image(i)))
          << request_.files[file];
    }
  }

  /// Runs `body` in a process of its own and returns what became of it.
  template <class Body>
  static pid_t spawn(Body&& body) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    omp_set_num_threads(1);  // the threads of the parent are not here
    body();
    ::_exit(0);
  }
  static int status_of(pid_t child) {
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
  }

  TemporaryFolder temporary_;
  fs::path folder_;
  CacheRequest request_;
  std::int64_t decoded_ = 0;
  std::vector<std::string> warnings_;
};

TEST_F(ImageCache, DecodesOnceAndThenMaps) {
  write_files(600);  // more than one chunk
  expect_right_images();
  EXPECT_EQ(decoded_, 600);
  expect_right_images();
  EXPECT_EQ(decoded_, 0);
  const CachedImages cached = load();
  EXPECT_TRUE(cached.images.on_disk);
  EXPECT_EQ(cached.images.count, 600);
  EXPECT_FALSE(fs::exists(request_.cache.string() + ".part"));
}

TEST_F(ImageCache, KnowsMeanAndDeviation) {
  write_files(9);
  const CachedImages cached = load();
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0.0;
    double squares = 0.0;
    for (std::size_t i = c; i < cached.images.pixels.size(); i += 3) {
      sum += cached.images.pixels[i] / 255.0;
      squares += cached.images.pixels[i] / 255.0 * cached.images.pixels[i] / 255.0;
    }
    const double n = static_cast<double>(cached.images.pixels.size()) / 3.0;
    EXPECT_NEAR(cached.mean[c], sum / n, 1e-12);
    EXPECT_NEAR(cached.std[c], std::sqrt(squares / n - sum / n * sum / n), 1e-9);
  }
}

TEST_F(ImageCache, IsMadeAnewWhenAFileChanges) {
  write_files(5);
  load();
  write_jpeg(request_.files[3], class_picture(6, 1000, 30, 30));
  expect_right_images();
  EXPECT_EQ(decoded_, 5);
  // The same size, another time.
  fs::last_write_time(request_.files[1],
                      fs::last_write_time(request_.files[1]) + std::chrono::seconds(3));
  load();
  EXPECT_EQ(decoded_, 5);
  // Another list, another size of image.
  request_.files.erase(request_.files.begin());
  expect_right_images();
  EXPECT_EQ(decoded_, 4);
  std::swap(request_.files[0], request_.files[1]);
  expect_right_images();
  EXPECT_EQ(decoded_, 4);
  request_.side = kSide + 1;
  EXPECT_EQ(load().images.width, kSide + 1);
  EXPECT_EQ(decoded_, 4);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ImageCache, OneOfTheFormatBeforeIsMadeAnewWithASentence) {
  write_files(5);
  load();
  std::string old = slurp(request_.cache);
  ASSERT_EQ(old[8], 2) << "the number of the format";
  old[8] = 1;
  const fs::path old_name = request_.cache.parent_path() / "set-of-the-old-hash.images";
  for (const fs::path& path : {old_name, request_.cache}) {
    fs::remove(request_.cache);
    write(path, old);
    expect_right_images();
    EXPECT_EQ(decoded_, 5);
    ASSERT_EQ(warnings_.size(), 1U);
    EXPECT_EQ(warnings_[0], path.string() +
                                " has format 1 of an earlier version; it is made anew in format 2 "
                                "as set.images");
    expect_right_images();
    EXPECT_EQ(decoded_, 0);
    EXPECT_TRUE(warnings_.empty());
    EXPECT_FALSE(fs::exists(old_name));
  }
  // That of other images stays.
  old[96] = static_cast<char>(old[96] ^ 1);  // the size of the first file
  write(old_name, old);
  fs::remove(request_.cache);
  load();
  EXPECT_TRUE(warnings_.empty());
  EXPECT_TRUE(fs::exists(old_name));
}

TEST_F(ImageCache, DamageAnywhereIsFoundAndMended) {
  write_files(5);
  load();
  const std::string whole = slurp(request_.cache);
  Philox random(5, Purpose::kTest);
  const auto size = static_cast<std::uint32_t>(whole.size());
  const std::uint32_t meta = 96 + 5 * 32;
  int told = 0;
  for (int trial = 0; trial < 60; ++trial) {
    std::string damaged = whole;
    // In header and records, in the pixels; what lies between them is not read.
    const std::uint32_t at = trial % 2 == 0 ? random.below(meta) : 4096 + random.below(size - 4096);
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    write(request_.cache, damaged);
    load();
    ASSERT_EQ(decoded_, 5) << "bit flipped at " << at;
    told += std::ssize(warnings_) == 1 ? 1 : 0;
    ASSERT_EQ(slurp(request_.cache), whole);
  }
  EXPECT_GT(told, 40);  // a header of other files is no damage, only out of date
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{50}, std::size_t{200}, whole.size() - 1, whole.size() / 2}) {
    write(request_.cache, whole.substr(0, length));
    load();
    ASSERT_EQ(decoded_, 5) << "cut to " << length;
    ASSERT_EQ(slurp(request_.cache), whole);
  }
}

TEST_F(ImageCache, AKilledProcessLeavesNothingBad) {
  write_files(1200);
  const pid_t child = spawn([&] {
    cached_images(request_, {[](std::int64_t done, std::int64_t) {
                               if (done >= 512) ::raise(SIGKILL);
                             },
                             {}});
  });
  EXPECT_TRUE(WIFSIGNALED(status_of(child)));
  EXPECT_FALSE(fs::exists(request_.cache));
  EXPECT_TRUE(fs::exists(request_.cache.string() + ".part"));
  expect_right_images();
  EXPECT_EQ(decoded_, 1200);
  EXPECT_TRUE(warnings_.empty());
  EXPECT_FALSE(fs::exists(request_.cache.string() + ".part"));
}

TEST_F(ImageCache, TwoProcessesAtOnceBuildItOnce) {
  write_files(700);
  std::array<pid_t, 3> children{};
  for (int i = 0; i < 3; ++i) {
    children.at(static_cast<std::size_t>(i)) = spawn([&, i] {
      std::int64_t decoded = 0;
      const CachedImages cached =
          cached_images(request_, {[&](std::int64_t done, std::int64_t) { decoded = done; }, {}});
      write(folder_ / ("decoded" + std::to_string(i)), std::to_string(decoded));
      if (cached.images.count != 700) ::_exit(3);
    });
  }
  for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
  int total = 0;
  for (int i = 0; i < 3; ++i) total += std::stoi(slurp(folder_ / ("decoded" + std::to_string(i))));
  EXPECT_EQ(total, 700) << "one process decodes, the others wait";
  expect_right_images();
  EXPECT_EQ(decoded_, 0);
}

TEST_F(ImageCache, BadFilesStopOrAreLeftOut) {
  write_files(6);
  write(request_.files[2], "no picture");
  fs::remove(request_.files[4]);
  const auto error = [&]() -> std::string {
    try {
      load();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(error().find("picture2.jpg"), std::string::npos);
  EXPECT_NE(error().find("--on_bad_image skip"), std::string::npos);
  EXPECT_FALSE(fs::exists(request_.cache));

  request_.on_bad_image = OnBadImage::kSkip;
  for (const int decoded : {6, 0}) {  // made, then mapped: the same is told
    const CachedImages cached = load();
    EXPECT_EQ(decoded_, decoded);
    EXPECT_EQ(cached.kept, (std::vector<std::int64_t>{0, 1, 3, 5}));
    ASSERT_EQ(warnings_.size(), 2U);
    EXPECT_NE(warnings_[0].find("picture2.jpg"), std::string::npos);
    EXPECT_NE(warnings_[1].find("picture4.jpg"), std::string::npos);
    expect_right_images();
  }
  request_.on_bad_image = OnBadImage::kStop;
  EXPECT_NE(error().find("picture2.jpg"), std::string::npos) << "a cache does not hide them";

  request_.on_bad_image = OnBadImage::kSkip;
  for (const fs::path& file : request_.files) write(file, "");
  EXPECT_NE(error().find("none of the 6"), std::string::npos);
}

TEST_F(ImageCache, AFolderThatCannotBeMadeIsNamed) {
  write_files(1);
  write(folder_ / "file", "in the way");
  request_.cache = folder_ / "file" / "set.images";
  try {
    load();
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("--cache_dir"), std::string::npos) << error.what();
  }
}

TEST_F(ImageCache, DefaultFolder) {
  ::setenv("XDG_CACHE_HOME", "/somewhere", 1);
  EXPECT_EQ(default_cache_folder(), "/somewhere/bptplr");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(default_cache_folder(), "/home/me/.cache/bptplr");
  ::unsetenv("HOME");
  EXPECT_THROW(default_cache_folder(), Error);
}

/// Pages of `image` that are in memory, of how many.
std::pair<std::size_t, std::size_t> resident(const Images& images, std::int64_t i) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto before = reinterpret_cast<std::uintptr_t>(images.image(i)) % page;
  const std::size_t size = static_cast<std::size_t>(images.bytes_per_image()) + before;
  std::vector<unsigned char> state((size + page - 1) / page);
  ::mincore(const_cast<std::uint8_t*>(images.image(i) - before), size, state.data());
  std::size_t count = 0;
  for (const unsigned char s : state) count += s & 1U;
  return {count, state.size()};
}

TEST_F(ImageCache, PrefetchReadsWhatIsAskedForAndNoMore) {
  write_files(40);
  request_.side = 200;
  load();
  // Drops the pages that building it left in memory, where the file system can.
  const int file = ::open(request_.cache.c_str(), O_RDONLY);
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  const std::size_t size = fs::file_size(request_.cache);
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  ASSERT_NE(start, MAP_FAILED);
  const Images images{
      40,      200, 200, std::span(static_cast<const std::uint8_t*>(start), size).subspan(4096),
      nullptr, true};
  if (resident(images, 5).first > 0) {
    ::munmap(start, size);
    GTEST_SKIP() << "this file system keeps its pages in memory";
  }
  prefetch(images, std::vector<std::int64_t>{5, 20, -1, 40});
  for (const std::int64_t i : {5, 20}) {
    for (int wait = 0; wait < 1000 && resident(images, i).first < resident(images, i).second;
         ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(resident(images, i).first, resident(images, i).second);
  }
  EXPECT_EQ(resident(images, 12).first, 0U);
  ::munmap(start, size);
}

}  // namespace
}  // namespace bptplr
