#include "data/vector_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/error.hpp"
#include "engine/io/hash.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Parts that are summed one after the other, so that sums have a fixed order; and how many of them
/// are read between two reports of progress.
constexpr std::int64_t kParts = 128;
constexpr std::int64_t kPartsAtOnce = 16;

/// Sums over a part of the vectors, of values less `origin`: differences of large numbers keep
/// their precision.
struct Sums {
  std::vector<double> first;
  std::vector<double> second;
  std::int64_t bad_row = std::numeric_limits<std::int64_t>::max();  ///< first with a bad value
};

class Pass {
 public:
  explicit Pass(const Vectors& vectors)
      : vectors_(vectors),
        origin_(static_cast<std::size_t>(vectors.dim)),
        parts_(
            static_cast<std::size_t>(std::min(kParts, std::max<std::int64_t>(vectors.count, 1)))) {
    result_.hashes.resize(static_cast<std::size_t>(vectors.count));
    if (vectors.count > 0) vectors.read(0, origin_);
  }

  void read(std::int64_t part) {
    const std::int64_t parts = std::ssize(parts_);
    const std::int64_t begin = part * vectors_.count / parts;
    const std::int64_t end = (part + 1) * vectors_.count / parts;
    Sums& sums = parts_[static_cast<std::size_t>(part)];
    sums.first.assign(origin_.size(), 0.0);
    sums.second.assign(origin_.size(), 0.0);
    std::vector<float> values(origin_.size());
    for (std::int64_t i = begin; i < end; ++i) {
      vectors_.read(i, values);
      double total = 0.0;
      for (std::size_t d = 0; d < values.size(); ++d) {
        const double x = static_cast<double>(values[d]) - static_cast<double>(origin_[d]);
        sums.first[d] += x;
        sums.second[d] += x * x;
        total += std::abs(x);
      }
      if (!std::isfinite(total)) sums.bad_row = std::min(sums.bad_row, i);
      result_.hashes[static_cast<std::size_t>(i)] = hash_bytes(
          std::span(vectors_.vector(i), static_cast<std::size_t>(vectors_.bytes_per_vector())));
    }
  }

  std::int64_t parts() const { return std::ssize(parts_); }
  std::int64_t bad_row() const {
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    for (const Sums& sums : parts_) first = std::min(first, sums.bad_row);
    return first;
  }

  VectorStatistics take() {
    const auto n = static_cast<double>(vectors_.count);
    for (std::size_t d = 0; d < origin_.size(); ++d) {
      double first = 0.0;
      double second = 0.0;
      for (const Sums& sums : parts_) {
        first += sums.first[d];
        second += sums.second[d];
      }
      const double mean = first / n;
      const double deviation = std::sqrt(std::max(0.0, second / n - mean * mean));
      result_.mean.push_back(static_cast<float>(mean + static_cast<double>(origin_[d])));
      const bool varies = deviation > 1e-6 * std::abs(mean + static_cast<double>(origin_[d]));
      result_.std.push_back(varies ? static_cast<float>(deviation) : 1.0F);
    }
    return std::move(result_);
  }

 private:
  const Vectors& vectors_;
  std::vector<float> origin_;
  std::vector<Sums> parts_;
  VectorStatistics result_;
};

/// Throws Error about the first value of a row that is not finite.
[[noreturn]] void refuse(const Vectors& vectors, std::int64_t i, const std::string& file) {
  std::vector<float> values(static_cast<std::size_t>(vectors.dim));
  vectors.read(i, values);
  const auto bad = std::ranges::find_if_not(values, [](float v) { return std::isfinite(v); });
  throw Error("{}: value {} of row {} is {}; remove the row, or compute its features again", file,
              bad - values.begin(), vectors.row(i), *bad);
}

}  // namespace

bool are_nonnegative(const Vectors& vectors) {
  const std::int64_t parts = std::min(kParts, vectors.count);
  std::vector<std::uint8_t> has_negative(static_cast<std::size_t>(parts));
  std::vector<std::uint8_t> has_positive(static_cast<std::size_t>(parts));
  kernels::parallel_for(parts, 1, [&](std::int64_t part, std::int64_t) {
    std::vector<float> values(static_cast<std::size_t>(vectors.dim));
    const auto at = static_cast<std::size_t>(part);
    for (std::int64_t i = part * vectors.count / parts;
         i < (part + 1) * vectors.count / parts && has_negative[at] == 0; ++i) {
      vectors.read(i, values);
      const auto [least, most] = std::ranges::minmax_element(values);
      if (*least < 0.0F) has_negative[at] = 1;
      if (*most > 0.0F) has_positive[at] = 1;
    }
  });
  return std::ranges::count(has_negative, 1) == 0 && std::ranges::count(has_positive, 1) > 0;
}

VectorStatistics vector_statistics(const Vectors& vectors, const std::string& file,
                                   const LoadReport& report) {
  Pass pass(vectors);
  for (std::int64_t first = 0; first < pass.parts(); first += kPartsAtOnce) {
    const std::int64_t last = std::min(first + kPartsAtOnce, pass.parts());
    kernels::parallel_for(last - first, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t part = begin; part < end; ++part) pass.read(first + part);
    });
    if (pass.bad_row() < vectors.count) refuse(vectors, pass.bad_row(), file);
    if (report.progress) report.progress(last * vectors.count / pass.parts(), vectors.count);
  }
  return pass.take();
}

}  // namespace bptplr
