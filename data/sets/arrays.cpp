#include "data/sets/arrays.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/error.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Largest side of an image.
constexpr std::int64_t kMaxArraySide = 4096;
/// Images whose pixels are summed at a time: their sums fit 64 bits, squares too.
constexpr std::int64_t kSummedImages = 64;

Split stored_images(const StoredTensor& array, std::shared_ptr<const MappedFile> mapped,
                    const std::string& file) {
  require(array.type->numpy == "u1",
          "{}: images are uint8, from 0 to 255, but these are of another type; save "
          "images.astype('uint8')",
          file);
  const Shape& shape = array.shape;
  require(shape.size() == 4,
          "{}: images are an array [N, height, width, 3], but this one has {} axes", file,
          shape.size());
  require(shape[3] == 3 || shape[1] != 3,
          "{}: its images are [N, 3, height, width]; save images.transpose(0, 2, 3, 1)", file);
  require(shape[3] == 3,
          "{}: images have 3 channels, but these have {}; repeat a grey one three times", file,
          shape[3]);
  require(shape[0] >= 1 && std::min(shape[1], shape[2]) >= 1 &&
              std::max(shape[1], shape[2]) <= kMaxArraySide,
          "{}: {} images of {} x {}, but there must be at least one, of 1 to {} pixels a side",
          file, shape[0], shape[1], shape[2], kMaxArraySide);
  Split split;
  split.images = {shape[0],
                  static_cast<int>(shape[1]),
                  static_cast<int>(shape[2]),
                  {reinterpret_cast<const std::uint8_t*>(array.bytes.data()), array.bytes.size()},
                  std::move(mapped),
                  true};
  return split;
}

void check_test_images(const Split& train, const std::string& file, const Split& test,
                       const std::string& test_file) {
  const Images& a = train.images;
  const Images& b = test.images;
  require(a.height == b.height && a.width == b.width,
          "{} has images of {} x {}, but {} of {} x {}; make all of one size", test_file, b.height,
          b.width, file, a.height, a.width);
}

/// Sums of the values of each channel and of their squares.
struct ChannelSums {
  std::array<std::uint64_t, 3> sum{};
  std::array<std::uint64_t, 3> squares{};

  ChannelSums& operator+=(const ChannelSums& other) {
    for (std::size_t c = 0; c < 3; ++c) {
      sum[c] += other.sum[c];
      squares[c] += other.squares[c];
    }
    return *this;
  }
};

ChannelSums channel_sums(const Images& images) {
  return kernels::parallel_sum<ChannelSums>(
      images.count, kSummedImages, [&](std::int64_t begin, std::int64_t end) {
        ChannelSums sums;
        const std::uint8_t* last = images.image(end);
        for (const std::uint8_t* pixel = images.image(begin); pixel != last; pixel += 3) {
          for (std::size_t c = 0; c < 3; ++c) {
            const std::uint64_t value = pixel[c];
            sums.sum[c] += value;
            sums.squares[c] += value * value;
          }
        }
        return sums;
      });
}

void describe_images(Dataset& dataset, const std::string& /*file*/, const LoadReport& report) {
  const Images& images = dataset.train.images;
  const ChannelSums sums = channel_sums(images);
  const auto pixels = static_cast<double>(images.count) * images.height * images.width;
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(sums.sum[c]) / pixels;
    const double variance = static_cast<double>(sums.squares[c]) / pixels - mean * mean;
    dataset.mean.push_back(static_cast<float>(mean / 255.0));
    // At least one step of a pixel: images of a single colour have no deviation.
    dataset.std.push_back(
        static_cast<float>(std::max(std::sqrt(std::max(variance, 0.0)), 1.0) / 255.0));
  }
  if (report.progress) report.progress(images.count, images.count);
}

}  // namespace

Dataset load_arrays(const SampleFiles& files, const TestSplit& split, const LoadReport& report) {
  static const StoredKind kKind{"arrays",
                                "images, x or X",
                                {"", "images", "x", "X"},
                                {"test_images", "x_test", "X_test"},
                                stored_images,
                                check_test_images,
                                describe_images};
  return load_stored_samples(kKind, files, split, report);
}

}  // namespace bptplr
