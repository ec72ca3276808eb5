#include "kernels/cpu/conv2d/windows.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "kernels/cpu/conv2d/scratch.hpp"

namespace bptplr::kernels::conv {
namespace {

/// Result pixels that images are taken together for, so that each weight is used often.
constexpr std::int64_t kPixels = 192;
/// Floats of the padded copies up to which they are: 192 KiB.
constexpr std::int64_t kPaddedFloats = 48 << 10;

/// The taps of one direction for the result's indices stride * i + phase, i < count: index
/// first + i + t of the source meets tap taps[t].
struct Line {
  std::int64_t phase, stride, count;
  std::int64_t first;  ///< may be negative: padding
  std::int64_t step;   ///< of the source's index for each i
  std::vector<std::int64_t> taps;
};

Line forward_line(std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                  std::int64_t results) {
  Line line{0, 1, results, -padding, stride, {}};
  for (std::int64_t r = 0; r < kernel; ++r) line.taps.push_back(r);
  return line;
}

/// Result h = stride i + phase gets dy[p] w[r] where h = stride p - padding + r. So r = r0 + stride
/// t with r0 = (phase + padding) mod stride, and p = i + (phase + padding - r0) / stride - t.
Line backward_line(std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                   std::int64_t results, std::int64_t phase) {
  const std::int64_t r0 = (phase + padding) % stride;
  Line line{phase, stride, (results - phase + stride - 1) / stride, 0, 1, {}};
  for (std::int64_t r = r0; r < kernel; r += stride) line.taps.push_back(r);
  std::ranges::reverse(line.taps);
  line.first = (phase + padding - r0) / stride - (std::ssize(line.taps) - 1);
  return line;
}

/// Rows of zeros before and all rows of the padded copy, for all lines of a direction.
struct Reach {
  std::int64_t before = 0;
  std::int64_t end = 0;

  explicit Reach(const std::vector<Line>& lines, std::int64_t size) {
    std::int64_t first = 0;
    std::int64_t last = size;
    bool is_used = false;
    for (const Line& line : lines) {
      if (line.taps.empty() || line.count <= 0) continue;
      const std::int64_t begin = line.first;
      const std::int64_t stop = line.first + (line.count - 1) * line.step + std::ssize(line.taps);
      first = is_used ? std::min(first, begin) : std::min<std::int64_t>(0, begin);
      last = std::max(last, stop);
      is_used = true;
    }
    before = -first;
    end = last;
  }
  std::int64_t size() const { return before + end; }
};

Windows make_windows(const WindowPlan& plan, const Line& rows, const Line& columns) {
  Windows windows{rows.taps, columns.taps, {}, {}};
  const std::int64_t channels = plan.padded.channels;
  for (std::int64_t image = 0; image < plan.images; ++image) {
    for (std::int64_t i = 0; i < rows.count; ++i) {
      for (std::int64_t j = 0; j < columns.count; ++j) {
        const std::int64_t row = plan.top + rows.first + i * rows.step;
        const std::int64_t column = plan.left + columns.first + j * columns.step;
        windows.read.push_back(static_cast<std::int32_t>(
            image * plan.padded.floats() + (row * plan.padded.width + column) * channels));
        windows.write.push_back(static_cast<std::int32_t>(
            image * plan.target.floats() + ((rows.phase + i * rows.stride) * plan.target.width +
                                            columns.phase + j * columns.stride) *
                                               plan.target.channels));
      }
    }
  }
  return windows;
}

std::unique_ptr<WindowPlan> make_plan(const Extent& source, const Extent& target,
                                      const std::vector<Line>& rows,
                                      const std::vector<Line>& columns,
                                      std::int64_t padded_channels) {
  auto plan = std::make_unique<WindowPlan>();
  const Reach height(rows, source.height);
  const Reach width(columns, source.width);
  plan->source = source;
  plan->target = target;
  plan->top = height.before;
  plan->left = width.before;
  plan->padded = {height.size(), width.size(), padded_channels};
  const std::int64_t pixels = std::max<std::int64_t>(target.height * target.width, 1);
  const std::int64_t floats = std::max<std::int64_t>(plan->padded.floats(), 1);
  plan->images = std::max<std::int64_t>(1, std::min(kPixels / pixels, kPaddedFloats / floats));
  for (const Line& row : rows) {
    for (const Line& column : columns) {
      plan->windows.push_back(make_windows(*plan, row, column));
    }
  }
  return plan;
}

std::unique_ptr<WindowPlan> make_forward(const Conv2dShape& s, std::int64_t padded_channels) {
  return make_plan({s.h, s.w, s.c}, {s.out_h(), s.out_w(), s.k},
                   {forward_line(s.kernel, s.stride, s.padding, s.out_h())},
                   {forward_line(s.kernel, s.stride, s.padding, s.out_w())}, padded_channels);
}

std::unique_ptr<WindowPlan> make_backward(const Conv2dShape& s) {
  std::vector<Line> rows;
  std::vector<Line> columns;
  for (std::int64_t phase = 0; phase < s.stride; ++phase) {
    rows.push_back(backward_line(s.kernel, s.stride, s.padding, s.h, phase));
    columns.push_back(backward_line(s.kernel, s.stride, s.padding, s.w, phase));
  }
  return make_plan({s.out_h(), s.out_w(), s.k}, {s.h, s.w, s.c}, rows, columns, s.k);
}

template <class Make>
const WindowPlan& cached(Conv2dShape shape, Make&& make) {
  static std::mutex mutex;
  static std::map<Conv2dShape, std::unique_ptr<WindowPlan>> plans;
  shape.n = 0;
  const std::lock_guard lock(mutex);
  auto& plan = plans[shape];
  if (!plan) plan = make(shape);
  return *plan;
}

}  // namespace

const WindowPlan& forward_windows(const Conv2dShape& shape) {
  return cached(shape, [](const Conv2dShape& s) { return make_forward(s, s.c); });
}

const WindowPlan& weights_windows(const Conv2dShape& shape) {
  // A filter of one tap reads each pixel once only: a copy would not pay. Nor would one that leaves
  // the cache.
  return cached(shape, [](const Conv2dShape& s) {
    const std::int64_t pixels = (s.h + 2 * s.padding) * (s.w + 2 * s.padding);
    const bool is_apart = s.kernel > 1 && pixels * row_stride(s.c) <= kPaddedFloats;
    return make_forward(s, is_apart ? row_stride(s.c) : s.c);
  });
}

const WindowPlan& backward_windows(const Conv2dShape& shape) {
  return cached(shape, [](const Conv2dShape& s) { return make_backward(s); });
}

}  // namespace bptplr::kernels::conv
