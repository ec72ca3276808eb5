#include "kernels/augment.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/cpu/augment/ops.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

using cpu::ImageSize;

/// Crops up to this side are made on the stack of the thread.
constexpr int kStackSide = 64;
/// A batch is cut into at most this many pieces, each with a scratch of its own.
constexpr std::int64_t kMaxChunks = 64;

void crop_and_flip(ImageSize image, ImageSize crop, const AugmentProgram& program,
                   const std::uint8_t* in, std::uint8_t* out) {
  const int row_bytes = crop.width * 3;
  const int first = std::clamp(-program.crop_x, 0, crop.width);
  const int last = std::clamp(image.width - program.crop_x, first, crop.width);
  for (int y = 0; y < crop.height; ++y, out += row_bytes) {
    const int from_y = y + program.crop_y;
    if (from_y < 0 || from_y >= image.height || first == last) {
      std::memset(out, 0, static_cast<std::size_t>(row_bytes));
      continue;
    }
    std::memset(out, 0, static_cast<std::size_t>(first) * 3);
    std::memcpy(out + first * 3, in + (from_y * image.width + first + program.crop_x) * 3,
                static_cast<std::size_t>(last - first) * 3);
    std::memset(out + last * 3, 0, static_cast<std::size_t>(crop.width - last) * 3);
    if (!program.flip) continue;
    for (int left = 0, right = crop.width - 1; left < right; ++left, --right) {
      std::swap_ranges(out + left * 3, out + left * 3 + 3, out + right * 3);
    }
  }
}

void apply(const AugmentStep& step, ImageSize size, const std::uint8_t* in, std::uint8_t* out) {
  switch (step.kind) {
    case AugmentKind::kNone:
      std::memcpy(out, in, static_cast<std::size_t>(size.bytes()));
      return;
    case AugmentKind::kShearX:
      cpu::shear_x(size, step.shear, in, out);
      return;
    case AugmentKind::kShearY:
      cpu::shear_y(size, step.shear, in, out);
      return;
    case AugmentKind::kTranslateX:
      cpu::translate_x(size, step.translation, in, out);
      return;
    case AugmentKind::kTranslateY:
      cpu::translate_y(size, step.translation, in, out);
      return;
    case AugmentKind::kRotate:
      cpu::rotate(size, step.rotation, in, out);
      return;
    case AugmentKind::kColor:
      cpu::color(size, step.factor, in, out);
      return;
    case AugmentKind::kContrast:
      cpu::contrast(size, step.factor, in, out);
      return;
    case AugmentKind::kSharpness:
      cpu::sharpness(size, step.factor, in, out);
      return;
    case AugmentKind::kBrightness:
      cpu::brightness(size, step.factor, in, out);
      return;
    case AugmentKind::kPosterize:
      cpu::posterize(size, step.level, in, out);
      return;
    case AugmentKind::kSolarize:
      cpu::solarize(size, step.level, in, out);
      return;
    case AugmentKind::kAutoContrast:
      cpu::auto_contrast(size, in, out);
      return;
    case AugmentKind::kEqualize:
      cpu::equalize(size, in, out);
      return;
    case AugmentKind::kInvert:
      cpu::invert(size, in, out);
      return;
  }
}

/// Makes one crop in scratch (2 * crop.bytes()) and returns where in scratch it lies.
const std::uint8_t* make_crop(ImageSize image, ImageSize crop, const AugmentProgram& program,
                              const std::uint8_t* in, std::uint8_t* scratch) {
  std::uint8_t* current = scratch;
  std::uint8_t* other = scratch + crop.bytes();
  crop_and_flip(image, crop, program, in, current);
  for (const AugmentStep& step : program.steps) {
    if (step.kind == AugmentKind::kNone) continue;
    apply(step, crop, current, other);
    std::swap(current, other);
  }
  return current;
}

/// Makes every crop and hands it to store(i, pixels).
template <class Store>
void for_each_view(const CpuContext& ctx, const AugmentShape& shape, const std::uint8_t* images,
                   const std::int64_t* indices, const AugmentProgram* programs, Store&& store) {
  const ImageSize image{shape.height, shape.width};
  const ImageSize crop{shape.crop_height, shape.crop_width};
  const std::int64_t scratch_bytes = 2 * std::int64_t{crop.bytes()};
  const std::int64_t grain = std::max<std::int64_t>(1, chunk_count(shape.count, kMaxChunks));
  const bool on_stack = std::max(crop.height, crop.width) <= kStackSide;
  std::uint8_t* shared =
      on_stack ? nullptr
               : ctx.scratch<std::uint8_t>(scratch_bytes * chunk_count(shape.count, grain));
  parallel_for(shape.count, grain, [&](std::int64_t begin, std::int64_t end) {
    std::uint8_t stack[2 * kStackSide * kStackSide * 3];
    std::uint8_t* scratch = on_stack ? stack : shared + scratch_bytes * (begin / grain);
    for (std::int64_t i = begin; i < end; ++i) {
      store(i, make_crop(image, crop, programs[i], images + indices[i] * image.bytes(), scratch));
    }
  });
}

}  // namespace

template <class Context, class T>
void augment_batch(const Context& ctx, const AugmentShape& shape, const std::uint8_t* images,
                   const std::int64_t* indices, const AugmentProgram* programs, const float* mean,
                   const float* std, T* out) {
  T normalised[256][3];
  for (int v = 0; v < 256; ++v) {
    for (int c = 0; c < 3; ++c) {
      normalised[v][c] = (static_cast<float>(v) / 255.0F - mean[c]) / std[c];
    }
  }
  const std::int64_t bytes = std::int64_t{shape.crop_height} * shape.crop_width * 3;
  for_each_view(ctx, shape, images, indices, programs,
                [&](std::int64_t i, const std::uint8_t* pixels) {
                  T* to = out + i * bytes;
                  for (std::int64_t k = 0; k < bytes; k += 3) {
                    to[k] = normalised[pixels[k]][0];
                    to[k + 1] = normalised[pixels[k + 1]][1];
                    to[k + 2] = normalised[pixels[k + 2]][2];
                  }
                });
}

template void augment_batch(const CpuContext&, const AugmentShape&, const std::uint8_t*,
                            const std::int64_t*, const AugmentProgram*, const float*, const float*,
                            float*);
template void augment_batch(const CpuContext&, const AugmentShape&, const std::uint8_t*,
                            const std::int64_t*, const AugmentProgram*, const float*, const float*,
                            double*);

template <>
void augment_batch(const CpuContext& ctx, const AugmentShape& shape, const std::uint8_t* images,
                   const std::int64_t* indices, const AugmentProgram* programs, std::uint8_t* out) {
  const std::int64_t bytes = std::int64_t{shape.crop_height} * shape.crop_width * 3;
  for_each_view(ctx, shape, images, indices, programs,
                [&](std::int64_t i, const std::uint8_t* pixels) {
                  std::memcpy(out + i * bytes, pixels, static_cast<std::size_t>(bytes));
                });
}

}  // namespace bptplr::kernels
