// The folder of image caches: what counts as one, who uses it, and what is removed to make room.
#include "data/images/cache_folder.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "data/images/cache_format.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMib = 1 << 20;

class CacheFolder : public ::testing::Test {
 protected:
  /// Writes a cache of 1 MiB that was last used `age` hours ago.
  fs::path write_cache(const std::string& name, int age) {
    const fs::path path = folder_ / name;
    image_cache::Header header;
    header.side = 64;
    header.count = 80;
    std::string bytes(kMib, 'x');
    std::copy_n(reinterpret_cast<const char*>(&header), sizeof header, bytes.begin());
    std::ofstream(path, std::ios::binary) << bytes;
    const timespec when{::time(nullptr) - 3600 * age, 0};
    const timespec times[] = {when, when};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    return path;
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const CacheFile& cache : list_caches(folder_)) found.push_back(cache.path.filename());
    return found;
  }
  /// Makes room for a new cache, keeping what is reported.
  void make_room_for(std::int64_t needed, std::int64_t limit) {
    make_room(folder_ / "new-train-64-0.images", needed, limit,
              {{}, [this](const std::string& sentence) { said_.push_back(sentence); }});
  }

  TemporaryFolder temporary_;
  fs::path folder_ = temporary_.path();
  std::vector<std::string> said_;
};

using Names = std::vector<std::string>;

TEST_F(CacheFolder, ListsWhatItHoldsNewestFirst) {
  write_cache("my-set-train-64-0123456789abcdef.images", 2);
  write_cache("other-test-64-0.images", 1);
  EXPECT_EQ(names(), (Names{"other-test-64-0.images", "my-set-train-64-0123456789abcdef.images"}));
  const CacheFile cache = list_caches(folder_)[1];
  EXPECT_EQ(cache.set, "my-set");
  EXPECT_EQ(cache.split, "train");
  EXPECT_EQ(cache.side, 64);
  EXPECT_EQ(cache.count, 80);
  EXPECT_EQ(cache.bytes, kMib);
  EXPECT_FALSE(cache.in_use);
  EXPECT_TRUE(list_caches(folder_ / "nowhere").empty());
}

TEST_F(CacheFolder, OnlyCachesCount) {
  const fs::path cache = write_cache("a-train-64-0.images", 1);
  std::ofstream(folder_ / "photos.images") << std::string(4096, 'p');  // another program's
  std::ofstream(folder_ / "short.images") << "bpt";
  fs::copy_file(cache, folder_ / "copy.txt");
  fs::create_symlink(cache, folder_ / "link.images");
  fs::create_directory(folder_ / "folder.images");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.images").c_str(), 0600), 0);
  EXPECT_EQ(names(), Names{"a-train-64-0.images"});
  for (const char* name : {"photos.images", "short.images", "copy.txt", "link.images",
                           "folder.images", "pipe.images", "nothing.images"}) {
    EXPECT_FALSE(remove_cache(folder_ / name)) << name;
  }
  EXPECT_TRUE(fs::exists(folder_ / "photos.images"));
  EXPECT_TRUE(fs::exists(cache));
  EXPECT_TRUE(remove_cache(cache));
  EXPECT_FALSE(fs::exists(cache));
}

TEST_F(CacheFolder, ACacheInUseStays) {
  const fs::path cache = write_cache("a-train-64-0.images", 5);
  {
    const auto use = use_cache(cache);
    const auto another = use_cache(cache);
    ASSERT_TRUE(use && another);
    const CacheFile listed = list_caches(folder_).front();
    EXPECT_TRUE(listed.in_use);
    EXPECT_LT(::time(nullptr) - listed.last_used_ns / 1'000'000'000, 60) << "marked as used now";
    EXPECT_FALSE(remove_cache(cache));
    EXPECT_TRUE(fs::exists(cache));
  }
  EXPECT_TRUE(remove_cache(cache));
  EXPECT_EQ(use_cache(cache), nullptr);
}

TEST_F(CacheFolder, WhatAKilledProcessLeftIsFoundAndRemoved) {
  const fs::path part = write_cache("a-train-64-0.images.part", 1);
  ASSERT_EQ(list_caches(folder_).size(), 1U);
  EXPECT_FALSE(list_caches(folder_).front().is_complete);
  EXPECT_EQ(list_caches(folder_).front().set, "a");
  EXPECT_TRUE(remove_cache(part));
}

TEST_F(CacheFolder, TheLeastRecentlyUsedMakeRoom) {
  write_cache("old-train-64-0.images", 9);
  write_cache("older-train-64-0.images", 10);
  write_cache("new-test-64-0.images", 1);
  const auto use = use_cache(write_cache("used-train-64-0.images", 11));
  make_room_for(kMib, 6 * kMib);
  EXPECT_EQ(names().size(), 4U) << "there is room";
  EXPECT_TRUE(said_.empty());
  make_room_for(kMib, 4 * kMib);
  EXPECT_EQ(std::ranges::count(names(), "older-train-64-0.images"), 0);
  EXPECT_EQ(names().size(), 3U);
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_NE(said_[0].find("removed older-train-64-0.images (1.0 MiB"), std::string::npos)
      << said_[0];
  EXPECT_NE(said_[0].find("--cache_limit"), std::string::npos);
}

TEST_F(CacheFolder, ALimitThatCannotBeKeptIsAnError) {
  write_cache("old-train-64-0.images", 9);
  const auto use = use_cache(write_cache("used-train-64-0.images", 11));
  const std::string message = message_of([&] { make_room_for(2 * kMib, 2 * kMib); });
  EXPECT_NE(message.find("--cache_limit is 2.0 MiB"), std::string::npos) << message;
  EXPECT_EQ(names().size(), 2U) << "nothing is removed in vain";
  // Without a limit that the user named, only the disk limits a single cache.
  make_room_for(INT64_MAX / 2, 0);
}

TEST_F(CacheFolder, BytesAndTimesAreForPeople) {
  EXPECT_EQ(bytes_text(4096), "4 KiB");
  EXPECT_EQ(bytes_text(3 * kMib / 2), "1.5 MiB");
  EXPECT_EQ(bytes_text(kMib * 1024 * 190), "190.0 GiB");
  EXPECT_EQ(time_text(0).size(), std::string("1970-01-01 00:00").size());
}

}  // namespace
}  // namespace bptplr
