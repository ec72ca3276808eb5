// What it costs at least: an axis that shrinks has each of its pixels multiplied twice. So n pixels
// take 6 n multiply-adds in the first pass, and 6 for each pixel that is left in the second:
// 491,520 from 256 x 256 to 64 x 64, which reads 196,608 bytes. Both passes work alike: a weight is
// one number, and the bytes of sixteen lanes meet it at once. These are sixteen rows in the first
// pass and sixteen columns in the second. Neighbours along the axis lie side by side in pairs, as
// processors multiply and add pairs: 8 instructions for 32 multiply-adds (byte_lanes.hpp).
#include "data/resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include "data/byte_lanes.hpp"

namespace bptplr {
namespace {

using byte_lanes::kLanes;
using byte_lanes::kPairs;
using byte_lanes::WeightPair;

constexpr int kChannels = 3;
/// Bytes that are summed up side by side: a pixel of sixteen rows, or sixteen pixels of a row.
constexpr int kGroup = kChannels * kLanes;

std::ptrdiff_t round_up(std::ptrdiff_t value, std::ptrdiff_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// Along one axis, the part [first, first + count) of `size` pixels that `input` ones become.
struct Axis {
  int input;
  std::int64_t size;
  std::int64_t first;
  int count;
};

/// What each output position of an axis is made of: a range of input positions, in pairs.
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

  /// Input positions [first, end) are all that matter.
  int first() const { return first_; }
  int end() const { return end_; }
  /// Where the pairs of output i begin, counted from first().
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

  /// Triangle about `center`, `support_` to either side, cut off at the picture's edge and scaled
  /// to the sum 1.
  void add(double center) {
    const int begin = std::max(static_cast<int>(std::floor(center - support_ + 0.5)), 0);
    end_ = std::min(static_cast<int>(std::floor(center + support_ + 0.5)), input_);
    if (spans_.empty()) first_ = begin;
    const auto count = static_cast<std::size_t>(end_ - begin);
    // Multiplied by the inverse, not divided: the last bit decides how a weight is rounded.
    const double inverse = 1.0 / support_;
    double sum = 0.0;
    for (std::size_t k = 0; k < count; ++k) {
      const double distance = std::abs((begin + static_cast<int>(k) - center + 0.5) * inverse);
      exact_[k] = std::max(1.0 - distance, 0.0);
    }
    for (std::size_t k = 0; k < count; ++k) sum += exact_[k];
    // An odd beginning has a neighbour of weight 0 before it, an odd end one behind it.
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

/// out[i] = the sum over pairs p and b < 2 of weights[p][b] * from[p * stride + 2 * i + b],
/// rounded, for kGroup bytes.
void blend(const std::uint8_t* from, std::ptrdiff_t stride, std::span<const WeightPair> weights,
           std::uint8_t* out) {
  byte_lanes::Sums sums[kChannels];
  for (const WeightPair& pair : weights) {
    for (int k = 0; k < kChannels; ++k) sums[k].add(pair, from + kPairs * k);
    from += stride;
  }
  for (int k = 0; k < kChannels; ++k) sums[k].store(out + kLanes * k);
}

/// The first pass: rows of the picture become narrower or wider.
class RowResizer {
 public:
  /// `stride`: room for a row of the result, a multiple of kGroup.
  RowResizer(const Image& image, const Axis& columns, std::ptrdiff_t stride)
      : image_(image),
        columns_(columns),
        weights_(columns),
        stride_(stride),
        bytes_(std::ptrdiff_t{kChannels} * (weights_.end() - weights_.first())),
        pairs_(static_cast<std::size_t>(kLanes * round_up(bytes_, kStep))),
        blended_(static_cast<std::size_t>(kLanes * stride)) {}

  /// kLanes rows of the picture, from `first` on, to `out` [kLanes / 2, stride, 2], where a pair is
  /// two rows. What would be below the picture has no meaning.
  void resize(int first, std::uint8_t* out) {
    const std::ptrdiff_t end = place(first + kLanes - 1) + round_up(bytes_, kStep) + kBehind;
    if (end <= std::ssize(image_.pixels)) {
      lay_out(image_.pixels.data() + place(first), std::ptrdiff_t{kChannels} * image_.width);
    } else {
      lay_out_copy(first);
    }
    for (int x = 0; x < columns_.count; ++x) {
      blend(pairs_.data() + std::ptrdiff_t{2 * kGroup} * weights_.pair(x), 2 * kGroup,
            weights_.of(x), blended_.data() + std::ptrdiff_t{kGroup} * x);
    }
    for (std::ptrdiff_t i = 0; i < stride_; i += kLanes) {
      byte_lanes::transpose<false, kLanes / 2>(blended_.data() + kLanes * i, kLanes, out + 2 * i,
                                               2 * stride_);
    }
  }

 private:
  /// Bytes of a row whose pairs are laid out at once.
  static constexpr std::ptrdiff_t kStep = std::ptrdiff_t{kChannels} * byte_lanes::kPixels;
  /// Bytes behind them that are read without need.
  static constexpr std::ptrdiff_t kBehind = byte_lanes::kRowBytes - kStep;

  /// Where in the picture the bytes of row y begin that matter.
  std::ptrdiff_t place(int y) const {
    return kChannels * (std::ptrdiff_t{y} * image_.width + weights_.first());
  }

  /// Writes pairs_. Reads rows in whole steps and kBehind bytes more.
  void lay_out(const std::uint8_t* rows, std::ptrdiff_t stride) {
    std::uint8_t* to = pairs_.data();
    for (std::ptrdiff_t i = 0; i < bytes_; i += kStep, to += kLanes * kStep) {
      byte_lanes::transpose<true, kStep / 2>(rows + i, stride, to, kPairs);
    }
  }

  /// The same at the lower end of the picture, of a copy that reaches further.
  void lay_out_copy(int first) {
    const std::ptrdiff_t stride = round_up(bytes_, kStep) + kBehind;
    std::vector<std::uint8_t> copy(static_cast<std::size_t>(kLanes * stride));
    for (int y = first; y < std::min(first + kLanes, image_.height); ++y) {
      std::copy_n(image_.pixels.data() + place(y), bytes_, copy.data() + stride * (y - first));
    }
    lay_out(copy.data(), stride);
  }

  const Image& image_;
  const Axis& columns_;
  Weights weights_;
  std::ptrdiff_t stride_;
  std::ptrdiff_t bytes_;               ///< of a row of the picture that matter
  std::vector<std::uint8_t> pairs_;    ///< [pairs of columns, kChannels, kLanes, 2]
  std::vector<std::uint8_t> blended_;  ///< [stride, kLanes]
};

/// A part of a picture that keeps its size.
void crop(const Image& image, const Axis& rows, const Axis& columns, std::uint8_t* out) {
  for (int y = 0; y < rows.count; ++y) {
    const std::int64_t place = (rows.first + y) * image.width + columns.first;
    out = std::copy_n(image.pixels.data() + kChannels * place, kChannels * columns.count, out);
  }
}

/// Rows first, then columns, each rounded to bytes: the order and the rounding are Pillow's. An
/// axis that keeps its size keeps its bytes too, as its weights are 1 and 0.
void resize_part(const Image& image, const Axis& rows, const Axis& columns, std::uint8_t* out) {
  if (rows.size == rows.input && columns.size == columns.input) {
    return crop(image, rows, columns, out);
  }
  const std::ptrdiff_t bytes = std::ptrdiff_t{kChannels} * columns.count;
  const std::ptrdiff_t stride = round_up(bytes, kGroup);
  const Weights weights(rows);
  const int needed = weights.end() - weights.first();
  std::vector<std::uint8_t> narrow(static_cast<std::size_t>(stride * round_up(needed, kLanes)));
  RowResizer first_pass(image, columns, stride);
  for (int y = 0; y < needed; y += kLanes) {
    first_pass.resize(weights.first() + y, narrow.data() + stride * y);
  }
  std::array<std::uint8_t, kGroup> last{};
  for (int y = 0; y < rows.count; ++y) {
    const std::uint8_t* from = narrow.data() + 2 * stride * weights.pair(y);
    for (std::ptrdiff_t i = 0; i < bytes; i += kGroup) {
      const std::ptrdiff_t count = std::min(bytes - i, std::ptrdiff_t{kGroup});
      blend(from + 2 * i, 2 * stride, weights.of(y), count == kGroup ? out : last.data());
      if (count < kGroup) std::copy_n(last.data(), count, out);
      out += count;
    }
  }
}

/// Half of `margin`, halves rounded to even as Python's round does.
std::int64_t crop_start(std::int64_t margin) {
  return std::llrint(static_cast<double>(margin) / 2.0);
}

}  // namespace

Image resize_bilinear(const Image& image, int height, int width) {
  Image out{height, width, {}};
  out.pixels.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * kChannels);
  resize_part(image, {image.height, height, 0, height}, {image.width, width, 0, width},
              out.pixels.data());
  return out;
}

void resize_and_crop(const Image& image, int side, std::uint8_t* out) {
  const int shorter = std::min(image.height, image.width);
  const std::int64_t height = std::int64_t{side} * image.height / shorter;
  const std::int64_t width = std::int64_t{side} * image.width / shorter;
  resize_part(image, {image.height, height, crop_start(height - side), side},
              {image.width, width, crop_start(width - side), side}, out);
}

}  // namespace bptplr
