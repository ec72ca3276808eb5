#include "data/subset.hpp"

#include <algorithm>
#include <utility>

#include "engine/error.hpp"
#include "engine/random.hpp"

namespace bptplr {

namespace {

/// Chooses `count` samples in the order `order`, taking one of each class in turn while it has any.
std::vector<std::int64_t> balanced(std::span<const std::int64_t> labels, std::int64_t num_classes,
                                   std::int64_t count, std::span<const std::int64_t> order) {
  std::vector<std::vector<std::int64_t>> by_class(static_cast<std::size_t>(num_classes));
  for (const std::int64_t index : order) {
    by_class[static_cast<std::size_t>(labels[static_cast<std::size_t>(index)])].push_back(index);
  }
  const auto wanted = static_cast<std::size_t>(count);
  std::vector<std::int64_t> chosen;
  chosen.reserve(wanted);
  for (std::size_t round = 0; chosen.size() < wanted; ++round) {
    for (const auto& members : by_class) {
      if (round < members.size() && chosen.size() < wanted) chosen.push_back(members[round]);
    }
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace

std::vector<std::int64_t> balanced_subset(std::span<const std::int64_t> labels,
                                          std::int64_t num_classes, std::int64_t count,
                                          std::uint64_t seed) {
  const auto total = static_cast<std::int64_t>(labels.size());
  require(count >= 1 && count <= total,
          "a subset of {} training samples was asked for, but there are {}; choose 1 to {}", count,
          total, total);
  return balanced(labels, num_classes, count, Philox(seed, Purpose::kSubset).permutation(total));
}

std::vector<std::int64_t> balanced_draw(std::span<const std::int64_t> labels,
                                        std::int64_t num_classes, std::int64_t count,
                                        std::uint64_t seed, std::uint32_t epoch) {
  const auto total = static_cast<std::int64_t>(labels.size());
  require(count >= 1 && count <= total,
          "{} training samples an epoch were asked for, but there are {}; choose 1 to {}", count,
          total, total);
  return balanced(labels, num_classes, count,
                  Philox(seed, Purpose::kBalanced, epoch).permutation(total));
}

std::vector<std::int64_t> select(std::span<const std::int64_t> values,
                                 std::span<const std::int64_t> indices) {
  std::vector<std::int64_t> selected;
  selected.reserve(indices.size());
  for (const std::int64_t index : indices) {
    selected.push_back(values[static_cast<std::size_t>(index)]);
  }
  return selected;
}

namespace {

/// Returns the images at `indices`, copied.
Images select(const Images& from, std::span<const std::int64_t> indices) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(indices.size() * static_cast<std::size_t>(from.bytes_per_image()));
  for (const std::int64_t index : indices) {
    pixels.insert(pixels.end(), from.image(index), from.image(index + 1));
  }
  return Images::in_memory(from.height, from.width, std::move(pixels));
}

/// Returns the vectors at `indices`, which share their memory.
Vectors select(const Vectors& from, std::span<const std::int64_t> indices) {
  std::vector<std::int64_t> rows;
  rows.reserve(indices.size());
  for (const std::int64_t index : indices) rows.push_back(from.row(index));
  Vectors selected = from;
  selected.count = std::ssize(rows);
  selected.rows = std::make_shared<const std::vector<std::int64_t>>(std::move(rows));
  return selected;
}

Images joined(const Images& first, const Images& second) {
  std::vector<std::uint8_t> pixels(first.pixels.begin(), first.pixels.end());
  pixels.insert(pixels.end(), second.pixels.begin(), second.pixels.end());
  return Images::in_memory(first.height, first.width, std::move(pixels));
}

/// Returns the vectors of two parts of one file.
Vectors joined(const Vectors& first, const Vectors& second) {
  std::vector<std::int64_t> rows;
  for (const Vectors* part : {&first, &second}) {
    for (std::int64_t i = 0; i < part->count; ++i) rows.push_back(part->row(i));
  }
  Vectors all = first;
  all.count = std::ssize(rows);
  all.rows = std::make_shared<const std::vector<std::int64_t>>(std::move(rows));
  return all;
}

template <class T>
std::vector<T> at(const std::vector<T>& values, std::span<const std::int64_t> indices) {
  std::vector<T> chosen;
  if (values.empty()) return chosen;
  chosen.reserve(indices.size());
  for (const std::int64_t index : indices)
    chosen.push_back(values[static_cast<std::size_t>(index)]);
  return chosen;
}

}  // namespace

Split select(const Split& split, std::span<const std::int64_t> indices) {
  Split selected;
  if (split.has_vectors()) {
    selected.vectors = select(split.vectors, indices);
  } else {
    selected.images = select(split.images, indices);
  }
  selected.labels = at(split.labels, indices);
  selected.true_labels = at(split.true_labels, indices);
  selected.files = at(split.files, indices);
  const auto& kept = split.listed.kept;
  selected.listed.kept = kept.empty() ? std::vector<std::int64_t>(indices.begin(), indices.end())
                                      : select(kept, indices);
  selected.listed.count = split.listed.count == 0 ? split.size() : split.listed.count;
  selected.hashes = at(split.hashes, indices);
  return selected;
}

Split joined(const Split& first, const Split& second) {
  const auto append = [](auto values, const auto& others) {
    values.insert(values.end(), others.begin(), others.end());
    return values;
  };
  Split all;
  if (first.has_vectors()) {
    all.vectors = joined(first.vectors, second.vectors);
  } else {
    all.images = joined(first.images, second.images);
  }
  all.labels = append(first.labels, second.labels);
  all.true_labels = append(first.true_labels, second.true_labels);
  all.files = append(first.files, second.files);
  all.hashes = append(first.hashes, second.hashes);
  return all;
}

}  // namespace bptplr
