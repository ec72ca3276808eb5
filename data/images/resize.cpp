// Cost: each pixel of an axis that shrinks is multiplied twice, so n pixels take 6 n multiply-adds
// in the first pass and 6 for each remaining pixel in the second: 491,520 from 256 x 256 to 64 x
// 64, which reads 196,608 bytes. In both passes one weight multiplies the bytes of sixteen lanes:
// sixteen rows in the first pass, sixteen columns in the second. Neighbours along the axis are
// stored in pairs, as processors multiply and add pairs: 8 instructions for 32 multiply-adds
// (byte_lanes.hpp).
#include "data/images/resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "data/images/byte_lanes.hpp"

namespace bptplr {
namespace {

using byte_lanes::kLanes;
using byte_lanes::kPairs;
using byte_lanes::WeightPair;

constexpr int kChannels = 3;
/// Number of bytes summed in parallel: a pixel of sixteen rows, or sixteen pixels of a row.
constexpr int kGroup = kChannels * kLanes;

std::ptrdiff_t round_up(std::ptrdiff_t value, std::ptrdiff_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// Resizing of one axis: the part [first, first + count) of the `size` pixels made from `input`.
struct Axis {
  int input;
  std::int64_t size;
  std::int64_t first;
  int count;

  bool operator==(const Axis&) const = default;
};

/// Weights of the inputs of each output position of an axis: a range of positions, in pairs.
class Weights {
 public:
  explicit Weights(const Axis& axis)
      : input_(axis.input),
        scale_(static_cast<double>(axis.input) / static_cast<double>(axis.size)),
        support_(std::max(scale_, 1.0)) {
    const std::size_t taps = static_cast<std::size_t>(std::ceil(support_)) * 2 + 1;
    exact_.resize(taps);
    rounded_.resize(taps + 2);
    pairs_.reserve(static_cast<std::size_t>(axis.count) * (taps / 2 + 1));
    spans_.reserve(static_cast<std::size_t>(axis.count));
    for (int i = 0; i < axis.count; ++i) {
      add((static_cast<double>(axis.first + i) + 0.5) * scale_);
    }
  }

  /// Only input positions [first, end) are used.
  int first() const { return first_; }
  int end() const { return end_; }
  /// Returns the position of the first pair of output i, relative to first().
  int pair(int i) const { return spans_[static_cast<std::size_t>(i)].pair; }
  std::span<const WeightPair> of(int i) const {
    const Span& span = spans_[static_cast<std::size_t>(i)];
    return std::span(pairs_).subspan(span.begin, span.count);
  }

 private:
  struct Span {
    int pair;
    std::size_t begin;
    std::size_t count;
  };

  /// Adds a triangle around `center`, `support_` wide on either side, cut at the edge of the
  /// picture and normalised to the sum 1.
  void add(double center) {
    const int begin = std::max(static_cast<int>(std::floor(center - support_ + 0.5)), 0);
    end_ = std::min(static_cast<int>(std::floor(center + support_ + 0.5)), input_);
    if (spans_.empty()) first_ = begin;
    const auto count = static_cast<std::size_t>(end_ - begin);
    // A product with the inverse, not a quotient: the last bit decides how a weight is rounded.
    const double inverse = 1.0 / support_;
    double sum = 0.0;
    for (std::size_t k = 0; k < count; ++k) {
      const double distance = std::abs((begin + static_cast<int>(k) - center + 0.5) * inverse);
      exact_[k] = std::max(1.0 - distance, 0.0);
    }
    for (std::size_t k = 0; k < count; ++k) sum += exact_[k];
    // Pairs start at even positions, so an odd start or end is padded with a neighbour of weight 0.
    const auto odd = static_cast<std::size_t>((begin - first_) % 2);
    rounded_[0] = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const double share = sum != 0.0 ? exact_[k] / sum : exact_[k];
      rounded_[odd + k] =
          static_cast<std::int32_t>(std::floor(0.5 + share * (1 << byte_lanes::kWeightBits)));
    }
    rounded_[odd + count] = 0;
    spans_.push_back({(begin - first_) / 2, pairs_.size(), (odd + count + 1) / 2});
    for (std::size_t k = 0; k < odd + count; k += 2) {
      pairs_.emplace_back(rounded_[k], rounded_[k + 1]);
    }
  }

  int input_;
  double scale_;
  double support_;
  int first_ = 0;
  int end_ = 0;
  std::vector<double> exact_;
  std::vector<std::int32_t> rounded_;
  std::vector<Span> spans_;
  std::vector<WeightPair> pairs_;
};

enum class Direction { kColumns, kRows };

/// Returns the weights of an axis, of which each thread keeps the last ones of either direction:
/// their divisions are a sixth of the time of resizing 256 x 256 to 64 x 64, and the pictures of a
/// folder tend to share their sizes.
std::shared_ptr<const Weights> weights_of(Direction direction, const Axis& axis) {
  struct Kept {
    Axis axis{};
    std::shared_ptr<const Weights> weights;
  };
  thread_local std::array<Kept, 2> kept;
  Kept& last = kept[static_cast<std::size_t>(direction)];
  if (!last.weights || last.axis != axis) last = {axis, std::make_shared<const Weights>(axis)};
  return last.weights;
}

/// Uninitialised bytes, each written before it is used.
using Buffer = std::unique_ptr<std::uint8_t[]>;

Buffer make_buffer(std::ptrdiff_t size) {
  return std::make_unique_for_overwrite<std::uint8_t[]>(static_cast<std::size_t>(size));
}

/// Writes kGroup rounded bytes out[i] = sum over pairs p and b < 2 of weights[p][b] * from[p *
/// stride + 2 * i + b].
void blend(const std::uint8_t* from, std::ptrdiff_t stride, std::span<const WeightPair> weights,
           std::uint8_t* out) {
  // Separate variables, as the compiler would keep an array in memory.
  byte_lanes::Sums first;
  byte_lanes::Sums second;
  byte_lanes::Sums third;
  for (const WeightPair& pair : weights) {
    first.add(pair, from);
    second.add(pair, from + kPairs);
    third.add(pair, from + 2 * kPairs);
    from += stride;
  }
  first.store(out);
  second.store(out + kLanes);
  third.store(out + 2 * kLanes);
}

/// First pass: resizes rows of the picture, kLanes at a time.
class RowResizer {
 public:
  /// Resizes rows of columns.input pixels to rows of `stride` bytes, a multiple of kGroup.
  RowResizer(const Axis& columns, std::ptrdiff_t stride)
      : columns_(columns),
        weights_(weights_of(Direction::kColumns, columns)),
        stride_(stride),
        bytes_(std::ptrdiff_t{kChannels} * (weights_->end() - weights_->first())),
        row_stride_(round_up(std::ptrdiff_t{kChannels} * columns.input + kStep + kBehind, 16)),
        rows_(make_buffer(std::ptrdiff_t{kRowOffset} + kLanes * row_stride_)),
        pairs_(make_buffer(kLanes * round_up(bytes_, kStep))),
        blended_(make_buffer(kLanes * stride)) {}

  /// Returns the memory for row i < kLanes.
  std::uint8_t* row(int i) { return rows_.get() + kRowOffset + row_stride_ * i; }

  /// Writes the kLanes rows, some of which may be unused, to `out` [kLanes / 2, stride, 2], where a
  /// pair is two rows.
  void resize(std::uint8_t* out) {
    // Reads rows in whole steps, and kBehind bytes more.
    const std::uint8_t* from = row(0) + std::ptrdiff_t{kChannels} * weights_->first();
    std::uint8_t* to = pairs_.get();
    for (std::ptrdiff_t i = 0; i < bytes_; i += kStep, to += kLanes * kStep) {
      byte_lanes::transpose<true, kStep / 2>(from + i, row_stride_, to, kPairs);
    }
    for (int x = 0; x < columns_.count; ++x) {
      blend(pairs_.get() + std::ptrdiff_t{2 * kGroup} * weights_->pair(x), 2 * kGroup,
            weights_->of(x), blended_.get() + std::ptrdiff_t{kGroup} * x);
    }
    for (std::ptrdiff_t i = 0; i < stride_; i += kLanes) {
      byte_lanes::transpose<false, kLanes / 2>(blended_.get() + kLanes * i, kLanes, out + 2 * i,
                                               2 * stride_);
    }
  }

 private:
  /// Bytes of a row whose pairs are transposed at once.
  static constexpr std::ptrdiff_t kStep = std::ptrdiff_t{kChannels} * byte_lanes::kPixels;
  /// Bytes after them that are read but not used.
  static constexpr std::ptrdiff_t kBehind = byte_lanes::kRowBytes - kStep;

  Axis columns_;
  std::shared_ptr<const Weights> weights_;
  std::ptrdiff_t stride_;
  std::ptrdiff_t bytes_;  ///< used bytes of a row of the picture
  std::ptrdiff_t row_stride_;
  Buffer rows_;     ///< kRowOffset bytes, then [kLanes, row_stride_]
  Buffer pairs_;    ///< [pairs of columns, kChannels, kLanes, 2]
  Buffer blended_;  ///< [stride, kLanes]
};

/// Resizes rows first, then columns, each rounded to bytes, as Pillow does. An axis that keeps its
/// size keeps its bytes, as its weights are 1 and 0.
class PartResizer {
 public:
  PartResizer(const Axis& rows, const Axis& columns, std::uint8_t* out)
      : rows_(rows),
        weights_(weights_of(Direction::kRows, rows)),
        needed_(weights_->end() - weights_->first()),
        bytes_(std::ptrdiff_t{kChannels} * columns.count),
        stride_(round_up(bytes_, kGroup)),
        first_pass_(columns, stride_),
        narrow_(make_buffer(stride_ * round_up(needed_, kLanes))),
        out_(out) {}

  /// Returns the memory for the next row of the picture; unused rows overwrite each other.
  std::uint8_t* row() { return first_pass_.row(matters() ? y_ % kLanes : 0); }

  void done() {
    const bool last = y_ == needed_ - 1;
    if (matters() && (last || y_ % kLanes == kLanes - 1)) {
      first_pass_.resize(narrow_.get() + stride_ * (y_ - y_ % kLanes));
    }
    if (last) second_pass();
    ++y_;
  }

 private:
  bool matters() const { return y_ >= 0 && y_ < needed_; }

  void second_pass() {
    std::array<std::uint8_t, kGroup> last{};
    std::uint8_t* out = out_;
    for (int y = 0; y < rows_.count; ++y) {
      const std::uint8_t* from = narrow_.get() + 2 * stride_ * weights_->pair(y);
      for (std::ptrdiff_t i = 0; i < bytes_; i += kGroup) {
        const std::ptrdiff_t count = std::min(bytes_ - i, std::ptrdiff_t{kGroup});
        blend(from + 2 * i, 2 * stride_, weights_->of(y), count == kGroup ? out : last.data());
        if (count < kGroup) std::copy_n(last.data(), count, out);
        out += count;
      }
    }
  }

  Axis rows_;
  std::shared_ptr<const Weights> weights_;
  int needed_;
  int y_ = -weights_->first();  ///< next row, relative to the first used one
  std::ptrdiff_t bytes_;
  std::ptrdiff_t stride_;
  RowResizer first_pass_;
  Buffer narrow_;  ///< [pairs of rows, stride_, 2]
  std::uint8_t* out_;
};

/// Passes a picture to anything with row() and done().
template <class Rows>
void feed(const Image& image, Rows& rows) {
  const std::ptrdiff_t bytes = std::ptrdiff_t{kChannels} * image.width;
  for (std::ptrdiff_t y = 0; y < image.height; ++y) {
    std::copy_n(image.pixels.data() + bytes * y, bytes, rows.row());
    rows.done();
  }
}

/// Returns half of `margin`, rounded half to even as Python's round does.
std::int64_t crop_start(std::int64_t margin) {
  return std::llrint(static_cast<double>(margin) / 2.0);
}

}  // namespace

Image resize_bilinear(const Image& image, int height, int width) {
  Image out{height, width, {}};
  out.pixels.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * kChannels);
  PartResizer resizer({image.height, height, 0, height}, {image.width, width, 0, width},
                      out.pixels.data());
  feed(image, resizer);
  return out;
}

class ResizeAndCrop::Resizer : public PartResizer {
  using PartResizer::PartResizer;
};

ResizeAndCrop::ResizeAndCrop(int side, std::uint8_t* out) : side_(side), out_(out) {}

ResizeAndCrop::~ResizeAndCrop() = default;

void ResizeAndCrop::start(int height, int width) {
  const int shorter = std::min(height, width);
  const auto axis = [&](int input) {
    const std::int64_t size = std::int64_t{side_} * input / shorter;
    return Axis{input, size, crop_start(size - side_), side_};
  };
  resizer_ = std::make_unique<Resizer>(axis(height), axis(width), out_);
}

std::uint8_t* ResizeAndCrop::row() {
  return resizer_->row();
}

void ResizeAndCrop::done() {
  resizer_->done();
}

void resize_and_crop(const Image& image, int side, std::uint8_t* out) {
  ResizeAndCrop rows(side, out);
  rows.start(image.height, image.width);
  feed(image, rows);
}

}  // namespace bptplr
