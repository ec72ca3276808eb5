// Times the work on images before a network sees them, compares it with a floor, and prints a line
// of JSON for each part. Uses one thread (OMP_NUM_THREADS=1 for the second).
//
// decode: decodes and resizes JPEGs of 256 x 256 pixels, as when building a cache of images; the
// floor is a bare loop of libjpeg-turbo over the same files with the same settings; everything is
// in memory. ratio: our images/s over those of the bare loop.
//
// cached: reads an epoch from a mapped cache, larger than the processor's, in shuffled batches; the
// floor is memcpy of the same bytes in order. gather_ratio: batches of pixels, as sent to a GPU,
// over memcpy; weak views, which a CPU makes of them, are floats, four times the bytes.
#include <fmt/format.h>

// jpeglib.h needs the headers before it.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/image_views.hpp"
#include "data/images/cache.hpp"
#include "data/images/image_file.hpp"
#include "engine/io/file.hpp"
#include "tests/data/images/image_files.hpp"

namespace bptplr {
namespace {

struct Options {
  int images = 200;
  int source = 256;
  int side = 64;
  int quality = 90;
  int rounds = 5;
  int cached = 20'000;
  int batch = 256;
};

/// Returns waves of all lengths and noise, with about the entropy of a photograph.
Image photograph(int number, int side) {
  Philox random(1, Purpose::kTest, 0, static_cast<std::uint32_t>(number));
  Image image{side, side, {}};
  const float phase = 6.28F * random.uniform();
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto fx = static_cast<float>(x);
        const auto fy = static_cast<float>(y);
        const float wave = 50.0F * std::sin(fx / (17.0F + static_cast<float>(c)) + phase) +
                           30.0F * std::sin(fy / 5.0F + fx / 11.0F) +
                           15.0F * std::sin(fx * fy / 300.0F);
        const float value = 128.0F + wave + 16.0F * (random.uniform() - 0.5F);
        image.pixels.push_back(static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F)));
      }
    }
  }
  return image;
}

/// Decodes with the library alone; the sum keeps the compiler from removing work. The row starts 8
/// bytes into its buffer, or the library may write it past the caches (data/images/image.hpp).
std::uint64_t decode_bare(const std::string& file, std::vector<std::uint8_t>& row) {
  jpeg_decompress_struct decoder{};
  jpeg_error_mgr errors{};
  decoder.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&decoder);
  jpeg_mem_src(&decoder, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&decoder, TRUE);
  decoder.out_color_space = JCS_RGB;
  jpeg_start_decompress(&decoder);
  constexpr std::size_t kOffset = 8;
  row.resize(kOffset + std::size_t{decoder.output_width} * 3);
  std::uint64_t sum = 0;
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW start = row.data() + kOffset;
    jpeg_read_scanlines(&decoder, &start, 1);
    sum += start[0];
  }
  jpeg_finish_decompress(&decoder);
  jpeg_destroy_decompress(&decoder);
  return sum;
}

/// Returns the calls per second of fn(0) ... fn(count - 1).
template <class Fn>
double speed(std::size_t count, Fn&& fn) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) fn(i);
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  return static_cast<double>(count) / passed.count();
}

void time_decoding(const Options& options, const std::vector<std::string>& files) {
  std::size_t bytes = 0;
  for (const std::string& file : files) bytes += file.size();
  std::vector<std::uint8_t> row;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(options.side) *
                                static_cast<std::size_t>(options.side) * 3);
  double bare = 0.0;
  double ours = 0.0;
  std::uint64_t sum = 0;
  for (int round = 0; round < options.rounds; ++round) {
    bare = std::max(bare,
                    speed(files.size(), [&](std::size_t i) { sum += decode_bare(files[i], row); }));
    ours = std::max(ours, speed(files.size(), [&](std::size_t i) {
                      decode_resized(files[i], "in memory", options.side, false, out.data());
                      sum += out[0];
                    }));
  }
  fmt::print(R"({{"what": "decode", "source": {}, "side": {}, "kib_per_file": {:.1f}, )"
             R"("bare_images_per_s": {:.1f}, "images_per_s": {:.1f}, "ratio": {:.3f}, "sum": {}}})"
             "\n",
             options.source, options.side,
             static_cast<double>(bytes) / 1024.0 / static_cast<double>(files.size()), bare, ours,
             ours / bare, sum);
}

/// Temporary folder, removed at the end.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / fmt::format("bench_{}", ::getpid())) {
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Builds a cache of options.cached images by repeating the files.
CachedImages build_cache(const Options& options, const std::vector<std::string>& files,
                         const Folder& folder) {
  CacheRequest request;
  request.side = options.side;
  request.cache = folder / "cache";
  for (std::size_t i = 0; i < static_cast<std::size_t>(options.cached); ++i) {
    request.files.push_back(folder / fmt::format("{}.jpg", i % files.size()));
    if (i < files.size()) write_file_atomically(request.files.back(), files[i]);
  }
  return cached_images(request);
}

void time_cached_epoch(const Options& options, const std::vector<std::string>& files) {
  const Folder folder;
  const CachedImages cached = build_cache(options, files, folder);
  const Images& images = cached.images;
  const auto order = Philox(1, Purpose::kTest).permutation(images.count);
  const auto batch = static_cast<std::size_t>(options.batch);
  const std::size_t batches = order.size() / batch;
  const auto size = static_cast<std::size_t>(images.bytes_per_image());
  const std::array<float, 3> half = {0.5F, 0.5F, 0.5F};
  const ImageViews maker(images, half, half);
  const Tensor views = maker.empty(options.batch);
  std::vector<std::uint8_t> pixels(batch * size);
  const auto copy = [&](std::size_t b) {
    std::memcpy(pixels.data(), images.pixels.data() + b * batch * size, batch * size);
  };
  const auto gather = [&](std::size_t b) {
    for (std::size_t i = 0; i < batch; ++i) {
      std::memcpy(pixels.data() + i * size, images.image(order[b * batch + i]), size);
    }
  };
  const auto view = [&](std::size_t b) {
    maker.make(std::span(order).subspan(b * batch, batch), View::kWeak, {1, 1, 0}, views);
  };
  double copied = 0.0;
  double gathered = 0.0;
  double viewed = 0.0;
  for (int round = 0; round < options.rounds; ++round) {
    copied = std::max(copied, options.batch * speed(batches, copy));
    gathered = std::max(gathered, options.batch * speed(batches, gather));
    viewed = std::max(viewed, options.batch * speed(batches, view));
  }
  const double mib = static_cast<double>(size) / (1 << 20);
  fmt::print(R"({{"what": "cached", "images": {}, "side": {}, "memcpy_mib_per_s": {:.0f}, )"
             R"("memcpy_images_per_s": {:.0f}, "gather_images_per_s": {:.0f}, )"
             R"("gather_ratio": {:.3f}, "weak_views_images_per_s": {:.0f}}})"
             "\n",
             images.count, options.side, copied * mib, copied, gathered, gathered / copied, viewed);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times decoding, and epochs over decoded images.");
  app.add_option("--images", options.images, "files in a pass");
  app.add_option("--source", options.source, "height and width of the JPEGs");
  app.add_option("--side", options.side, "height and width that they are resized to");
  app.add_option("--quality", options.quality, "of the JPEGs");
  app.add_option("--rounds", options.rounds, "passes of each kind, in turn; the fastest counts");
  app.add_option("--cached", options.cached, "images in the cache");
  app.add_option("--batch", options.batch, "images of it at a time");
  CLI11_PARSE(app, argc, argv);
  std::vector<std::string> files;
  files.reserve(static_cast<std::size_t>(options.images));
  for (int i = 0; i < options.images; ++i) {
    files.push_back(encode_jpeg(photograph(i, options.source), options.quality));
  }
  time_decoding(options, files);
  time_cached_epoch(options, files);
  return 0;
}

}  // namespace
}  // namespace bptplr

int main(int argc, char** argv) {
  try {
    return bptplr::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "decode: error: {}\n", error.what());
    return 1;
  }
}
