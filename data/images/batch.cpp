#include "data/images/batch.hpp"

#include <algorithm>
#include <utility>

#include "data/images/image_file.hpp"
#include "engine/error.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {

ImageBatch read_image_batch(std::span<const std::filesystem::path> files, int side, bool exif) {
  const std::int64_t bytes = std::int64_t{side} * side * 3;
  std::vector<std::uint8_t> pixels(files.size() * static_cast<std::size_t>(bytes));
  std::vector<std::string> problems(files.size());
  kernels::parallel_for(std::ssize(files), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto file = static_cast<std::size_t>(i);
      try {
        read_resized(files[file], side, exif, pixels.data() + i * bytes);
      } catch (const Error& error) {
        problems[file] = error.what();
      }
    }
  });
  ImageBatch batch;
  for (std::int64_t i = 0; i < std::ssize(files); ++i) {
    std::string& problem = problems[static_cast<std::size_t>(i)];
    if (!problem.empty()) {
      batch.problems.push_back(std::move(problem));
      continue;
    }
    const std::int64_t place = std::ssize(batch.kept);
    if (place < i) {
      std::copy_n(pixels.begin() + i * bytes, bytes, pixels.begin() + place * bytes);
    }
    batch.kept.push_back(i);
  }
  pixels.resize(batch.kept.size() * static_cast<std::size_t>(bytes));
  batch.images = Images::in_memory(side, side, std::move(pixels));
  return batch;
}

}  // namespace bptplr
