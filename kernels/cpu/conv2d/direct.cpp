#include "kernels/cpu/conv2d/direct.hpp"

#include <omp.h>

#include <algorithm>

#include "kernels/cpu/conv2d/level.hpp"
#include "kernels/cpu/conv2d/packing.hpp"
#include "kernels/cpu/conv2d/windows.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels::conv {
namespace {

/// Chunks of images whose gradients of the weights are summed on their own and then added in order.
constexpr std::int64_t kDirectChunks = 8;
/// Floats of all these gradients: 64 MiB.
constexpr std::int64_t kDirectChunkFloats = 16 << 20;
/// Pixels that one product of the weights' gradient sums over: their dy stays in the first cache.
constexpr std::int64_t kProductPixels = 64;
/// Columns of the weights' gradient that a task computes where tasks share a chunk.
constexpr std::int64_t kTaskColumns = 64;

/// Reads the images of a task: as they are, or from padded copies.
class Reader {
 public:
  explicit Reader(const WindowPlan& plan) : plan_(plan) {}

  bool reads_in_place() const { return plan_.reads_in_place(); }

  std::int64_t scratch_floats() const {
    return plan_.reads_in_place() ? 0 : plan_.images * plan_.padded.floats();
  }
  const float* operator()(const float* images, std::int64_t first, std::int64_t count,
                          float* scratch) const {
    const float* from = images + first * plan_.source.floats();
    if (plan_.reads_in_place()) return from;
    for (std::int64_t i = 0; i < count; ++i) {
      copy_padded(from + i * plan_.source.floats(), plan_.source, -plan_.top, -plan_.left,
                  plan_.padded, scratch + i * plan_.padded.floats());
    }
    return scratch;
  }

 private:
  const WindowPlan& plan_;
};

/// A pass that writes images.
class DirectPass {
 public:
  DirectPass(const Conv2dShape& shape, const WindowPlan& plan)
      : shape_(shape),
        plan_(plan),
        read_(plan),
        leaf_(leaf_kernels(plan.source.channels, plan.target.channels)),
        columns_(padded_columns(plan.target.channels, leaf_.lanes)) {}

  std::int64_t parts(std::int64_t groups) const {
    return chunk_count(shape_.n / groups, plan_.images);
  }

  /// pack(windows, first column, width, panel) fills a panel of the weights of these windows.
  template <class Pack>
  void run(const CpuContext& ctx, const float* from, Pack&& pack, float* to, Scratch& scratch,
           const Epilogue& epilogue) const {
    const std::int64_t per_thread = odd_lines(read_.scratch_floats());
    float* packed = nullptr;
    float* own = nullptr;
    scratch.add(packed_floats(), packed);
    scratch.add(omp_get_max_threads() * per_thread, own);
    scratch.reserve(ctx);
    if (epilogue.begin) epilogue.begin();
    pack_all(pack, packed);
    const std::int64_t group_images = shape_.n / epilogue.groups;
    const std::int64_t group_parts = parts(epilogue.groups);
    parallel_tasks(epilogue.groups * group_parts, [&](std::int64_t part) {
      const std::int64_t group = part / group_parts;
      const std::int64_t first = group * group_images + part % group_parts * plan_.images;
      const std::int64_t images = std::min(plan_.images, (group + 1) * group_images - first);
      const float* read = read_(from, first, images, own + omp_get_thread_num() * per_thread);
      compute(read, images, packed, to + first * plan_.target.floats());
      if (!epilogue.finish) return;
      const std::int64_t pixels = plan_.target.height * plan_.target.width;
      epilogue.finish(part, first * pixels, images * pixels);
    });
  }

 private:
  std::int64_t depth(const Windows& windows) const {
    return std::ssize(windows.tap_columns) * plan_.source.channels;
  }
  std::int64_t packed_floats() const {
    std::int64_t floats = 0;
    for (const Windows& windows : plan_.windows) floats += packed_floats(windows);
    return floats;
  }
  std::int64_t packed_floats(const Windows& windows) const {
    return windows.taps() * plan_.source.channels * columns_;
  }

  template <class Pack>
  void pack_all(Pack&& pack, float* packed) const {
    for (const Windows& windows : plan_.windows) {
      const std::int64_t all = windows.taps() * plan_.source.channels;
      parallel_tasks(chunk_count(plan_.target.channels, 2 * leaf_.lanes), [&](std::int64_t panel) {
        const std::int64_t first = panel * 2 * leaf_.lanes;
        pack(windows, first, panel_columns(first, plan_.target.channels, leaf_.lanes),
             packed + first * all);
      });
      packed += packed_floats(windows);
    }
  }

  void compute(const float* from, std::int64_t images, const float* packed, float* to) const {
    for (const Windows& windows : plan_.windows) {
      const std::int64_t pixels = std::ssize(windows.read) / plan_.images * images;
      if (windows.taps() == 0) {
        for (std::int64_t i = 0; i < pixels; ++i) {
          std::fill_n(to + windows.write[static_cast<std::size_t>(i)], plan_.target.channels, 0.0F);
        }
      } else {
        RowProduct p{};
        p.a = from;
        p.a_offset = windows.read.data();
        p.rows = pixels;
        p.taps = std::ssize(windows.tap_rows);
        p.tap_stride = plan_.padded.width * plan_.source.channels;
        p.depth = depth(windows);
        p.b = packed;
        p.columns = plan_.target.channels;
        p.c = to;
        p.c_offset = windows.write.data();
        leaf_.row_product(p);
      }
      packed += packed_floats(windows);
    }
  }

  Conv2dShape shape_;
  const WindowPlan& plan_;
  Reader read_;
  const LeafKernels& leaf_;
  std::int64_t columns_;
};

/// The gradient of the weights, [kernel rows, kernel columns * c, k] while it is summed.
class DirectWeightsPass {
 public:
  explicit DirectWeightsPass(const Conv2dShape& s)
      : s_(s),
        plan_(weights_windows(s)),
        read_(plan_),
        leaf_(leaf_kernels(s.c, s.k)),
        columns_(padded_columns(s.k, leaf_.lanes)),
        dy_row_(plan_.padded.channels > s.c ? row_stride(columns_) : columns_),
        floats_(s.kernel * s.kernel * s.c * columns_) {
    // A chunk has 512 pixels at least, to pay for adding its gradient.
    const std::int64_t pixels = std::max<std::int64_t>(s.out_h() * s.out_w(), 1);
    const std::int64_t most =
        std::clamp<std::int64_t>(kDirectChunkFloats / floats_, 1, kDirectChunks);
    chunk_images_ = std::max(chunk_count(s.n, most), chunk_count(512, pixels));
  }

  void run(const CpuContext& ctx, const float* x, const float* dy, float* dw) const {
    const std::int64_t chunks = chunk_count(s_.n, chunk_images_);
    const std::int64_t pixels = plan_.images * plan_.target.height * plan_.target.width;
    const bool copies_dy = dy_row_ != s_.k;
    const std::int64_t padded = odd_lines(read_.scratch_floats());
    const std::int64_t per_thread = padded + (copies_dy ? odd_lines(pixels * dy_row_) : 0);
    Scratch scratch;
    float* sum = nullptr;
    float* own = nullptr;
    scratch.add(chunks * floats_, sum);
    scratch.add(omp_get_max_threads() * per_thread, own);
    scratch.reserve(ctx);
    std::fill_n(sum, chunks * floats_, 0.0F);
    // Where nothing is copied, tasks share a chunk: each computes some of its columns.
    const bool copies = copies_dy || !read_.reads_in_place();
    const std::int64_t columns = copies ? columns_ : std::min(columns_, kTaskColumns);
    const std::int64_t tasks = chunk_count(columns_, columns);
    parallel_tasks(chunks * tasks, [&](std::int64_t task) {
      const std::int64_t chunk = task / tasks;
      const std::int64_t column = task % tasks * columns;
      float* memory = own + omp_get_thread_num() * per_thread;
      const std::int64_t end = std::min((chunk + 1) * chunk_images_, s_.n);
      for (std::int64_t first = chunk * chunk_images_; first < end; first += plan_.images) {
        const std::int64_t images = std::min(plan_.images, end - first);
        const float* read = read_(x, first, images, memory);
        const float* gradient = dy + first * plan_.target.floats();
        if (copies_dy) gradient = widened(gradient, images, memory + padded);
        add(read, gradient + column, images, std::min(columns, columns_ - column),
            sum + chunk * floats_ + column);
      }
    });
    add_chunks(sum, chunks);
    write(sum, dw);
  }

 private:
  const float* widened(const float* dy, std::int64_t images, float* copy) const {
    const std::int64_t pixels = images * plan_.target.height * plan_.target.width;
    copy_padded(dy, {1, pixels, s_.k}, 0, 0, {1, pixels, dy_row_}, copy);
    return copy;
  }

  void add(const float* x, const float* dy, std::int64_t images, std::int64_t columns,
           float* sum) const {
    const Windows& windows = plan_.windows.front();
    const std::int64_t pixels = std::ssize(windows.read) / plan_.images * images;
    ColumnProduct p{};
    // Taps of a row are one matrix where their pixels follow each other.
    const std::int64_t parts = plan_.padded.channels == s_.c ? 1 : s_.kernel;
    p.m = s_.kernel / parts * s_.c;
    p.ldb = dy_row_;
    p.ldc = columns_;
    p.columns = columns;
    for (std::int64_t first = 0; first < pixels; first += kProductPixels) {
      p.a_offset = windows.read.data() + first;
      p.b = dy + first * dy_row_;
      p.steps = std::min(kProductPixels, pixels - first);
      for (std::int64_t tap = 0; tap < s_.kernel * parts; ++tap) {
        p.a = x + (tap / parts * plan_.padded.width + tap % parts) * plan_.padded.channels;
        p.c = sum + tap * p.m * columns_;
        leaf_.column_product(p);
      }
    }
  }

  void add_chunks(float* sum, std::int64_t chunks) const {
    parallel_for(floats_, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t chunk = 1; chunk < chunks; ++chunk) {
        const float* other = sum + chunk * floats_;
        for (std::int64_t i = begin; i < end; ++i) sum[i] += other[i];
      }
    });
  }

  /// Turns [filter, columns] into dw [k, filter].
  void write(const float* sum, float* dw) const {
    const std::int64_t filter = s_.kernel * s_.kernel * s_.c;
    parallel_for(filter, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = 0; k < s_.k; ++k) {
        for (std::int64_t i = begin; i < end; ++i) dw[k * filter + i] = sum[i * columns_ + k];
      }
    });
  }

  Conv2dShape s_;
  const WindowPlan& plan_;
  Reader read_;
  const LeafKernels& leaf_;
  std::int64_t columns_;
  std::int64_t dy_row_;  ///< floats between pixels of dy as it is read
  std::int64_t floats_;
  std::int64_t chunk_images_ = 1;
};

}  // namespace

std::int64_t direct_parts(const Conv2dShape& shape, std::int64_t groups) {
  return DirectPass(shape, forward_windows(shape)).parts(groups);
}

void direct_forward(const CpuContext& ctx, const Conv2dShape& s, const float* x, const float* w,
                    float* y, Scratch& scratch, const Epilogue& epilogue) {
  const std::int64_t filter = s.kernel * s.kernel * s.c;
  const auto pack = [&](const Windows&, std::int64_t first, std::int64_t width, float* panel) {
    pack_columns(w, filter, filter, first, s.k, width, panel);
  };
  DirectPass(s, forward_windows(s)).run(ctx, x, pack, y, scratch, epilogue);
}

void direct_backward_data(const CpuContext& ctx, const Conv2dShape& s, const float* dy,
                          const float* w, float* dx) {
  const auto pack = [&](const Windows& windows, std::int64_t first, std::int64_t width,
                        float* panel) {
    for (const std::int64_t r : windows.tap_rows) {
      for (const std::int64_t q : windows.tap_columns) {
        const auto row = [&](std::int64_t k) {
          return w + ((k * s.kernel + r) * s.kernel + q) * s.c;
        };
        pack_rows(row, s.k, first, s.c, width, panel);
        panel += s.k * width;
      }
    }
  };
  Scratch scratch;
  DirectPass(s, backward_windows(s)).run(ctx, dy, pack, dx, scratch, {});
}

void direct_backward_weights(const CpuContext& ctx, const Conv2dShape& s, const float* x,
                             const float* dy, float* dw) {
  DirectWeightsPass(s).run(ctx, x, dy, dw);
}

}  // namespace bptplr::kernels::conv
