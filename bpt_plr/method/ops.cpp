#include "bpt_plr/method/ops.hpp"

#include "engine/dispatch.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "kernels/mixup.hpp"
#include "kernels/prototypes.hpp"
#include "kernels/sample_losses.hpp"
#include "kernels/targets.hpp"

namespace bptplr {
namespace {

/// Returns n for logits [2n, classes] of two views of n samples. Throws Error for another shape.
std::int64_t samples_of_two_views(const Tensor& logits, const char* function) {
  require(logits.shape().size() == 2 && logits.size(0) % 2 == 0,
          "{} needs logits of two views of each sample, not of shape {}", function,
          to_string(logits.shape()));
  return logits.size(0) / 2;
}

kernels::PrototypeShape shape_of(const Tensor& projection, const Tensor& prototypes) {
  return {projection.size(0), projection.size(1), prototypes.size(0)};
}

}  // namespace

ClassSets make_class_sets(const Tensor& logits, const Tensor& labels, std::int64_t kappa) {
  const Range range("class sets", moved(logits.numel(), logits.dtype()));
  const std::int64_t classes = logits.size(1);
  ClassSets sets;
  sets.words = kernels::class_set_words(classes);
  sets.bits = Tensor::empty({logits.size(0), sets.words}, DType::kInt64, logits.device());
  auto* bits = reinterpret_cast<std::uint64_t*>(sets.bits.data<std::int64_t>());
  dispatch_float32(logits, [&](const auto& ctx) {
    kernels::class_sets(ctx, logits.size(0), classes, kappa, logits.data<float>(),
                        labels.data<std::int64_t>(), bits);
  });
  return sets;
}

Tensor co_guess(const Tensor& own, const Tensor& other, double temperature) {
  const std::int64_t n = samples_of_two_views(own, "co_guess");
  require(own.shape() == other.shape(), "co_guess: logits {} and {} do not fit",
          to_string(own.shape()), to_string(other.shape()));
  const std::int64_t classes = own.size(1);
  const std::int64_t view = n * classes;
  Tensor targets = Tensor::empty({n, classes}, own.dtype(), own.device());
  dispatch_float(own, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    const T* k = own.data<T>();
    const T* j = other.data<T>();
    kernels::co_guess(ctx, n, classes, temperature, k, k + view, j, j + view, targets.data<T>(),
                      nullptr);
  });
  return targets;
}

Tensor co_refine(const Tensor& own, const Tensor& labels, const Tensor& clean_probability,
                 double temperature) {
  const std::int64_t n = samples_of_two_views(own, "co_refine");
  require(labels.numel() == n && clean_probability.numel() == n,
          "co_refine: {} labels and {} clean probabilities do not fit logits {}", labels.numel(),
          clean_probability.numel(), to_string(own.shape()));
  const std::int64_t classes = own.size(1);
  Tensor targets = Tensor::empty({n, classes}, own.dtype(), own.device());
  dispatch_float(own, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    const T* k = own.data<T>();
    kernels::co_refine(ctx, n, classes, temperature, k, k + n * classes,
                       labels.data<std::int64_t>(), clean_probability.data<float>(),
                       targets.data<T>(), nullptr);
  });
  return targets;
}

void mix_rows(const Tensor& a, const Tensor& b, const Tensor& partner, const Tensor& weight,
              Tensor out) {
  const std::int64_t rows = a.size(0);
  if (rows == 0) return;
  dispatch_activation(a, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::mixup(ctx, rows, a.numel() / rows, weight.data<double>(), a.data<T>(), b.data<T>(),
                   partner.data<std::int64_t>(), out.data<T>());
  });
}

Tensor normalized_cross_entropy(const Tensor& logits, const Tensor& labels) {
  const std::int64_t n = logits.size(0);
  const Range range("sample losses", moved(logits.numel() + n, DType::kFloat32));
  Tensor losses = Tensor::empty({n}, DType::kFloat32, logits.device());
  dispatch_float32(logits, [&](const auto& ctx) {
    auto* values = losses.data<float>();
    kernels::sample_cross_entropy(ctx, n, logits.size(1), logits.data<float>(),
                                  labels.data<std::int64_t>(), values);
    kernels::min_max_normalize(ctx, n, values, values);
  });
  return losses;
}

Tensor jensen_shannon_distance(const Tensor& first_logits, const Tensor& second_logits,
                               const Tensor& labels, double inverse_log_base) {
  const std::int64_t n = first_logits.size(0);
  const Range range("sample losses", moved(2 * first_logits.numel() + n, DType::kFloat32));
  Tensor distances = Tensor::empty({n}, DType::kFloat32, first_logits.device());
  dispatch_float32(first_logits, [&](const auto& ctx) {
    kernels::sample_jensen_shannon(ctx, n, first_logits.size(1), first_logits.data<float>(),
                                   second_logits.data<float>(), labels.data<std::int64_t>(),
                                   inverse_log_base, distances.data<float>());
  });
  return distances;
}

void interleave(const Tensor& first, const Tensor& second, Tensor out) {
  dispatch_float32(out, [&](const auto& ctx) {
    kernels::interleave(ctx, out.size(0), first.data<float>(), second.data<float>(),
                        out.data<float>());
  });
}

namespace {

/// Returns the results of run(context, points, results, clean posteriors), which calls a kernel.
template <class Run>
GmmPointFits collect_fits(const Tensor& points, std::int64_t fits, Run&& run) {
  const Device device = points.device();
  GmmPointFits made{std::vector<kernels::GmmResult>(static_cast<std::size_t>(fits)),
                    Tensor::empty({points.size(0)}, DType::kFloat64, device)};
  const auto bytes = std::as_writable_bytes(std::span(made.results));
  Tensor results = Tensor::empty({std::ssize(bytes)}, DType::kUint8, device);
  dispatch_float(points, [&](const auto& ctx, auto zero) {
    run(ctx, points.data<decltype(zero)>(), static_cast<kernels::GmmResult*>(results.raw()),
        made.clean_probability.data<double>());
  });
  copy_bytes(Device{}, bytes.data(), device, results.raw(), bytes.size());
  return made;
}

}  // namespace

GmmPointFits gmm_fit_points(const Tensor& points, std::span<const std::int64_t> offsets,
                            const kernels::GmmOptions& options, const Tensor& uniforms) {
  const std::int64_t fits = std::ssize(offsets) - 1;
  return collect_fits(points, fits,
                      [&](const auto& ctx, const auto* x, auto* results, double* clean) {
                        kernels::gmm_fit(ctx, options, fits, offsets.data(), x,
                                         uniforms.data<double>(), results, clean, nullptr);
                      });
}

GmmPointFits gmm_fit_points_from_labels(const Tensor& points, std::span<const std::int64_t> offsets,
                                        const kernels::GmmOptions& options, const Tensor& labels) {
  const std::int64_t fits = std::ssize(offsets) - 1;
  return collect_fits(
      points, fits, [&](const auto& ctx, const auto* x, auto* results, double* clean) {
        kernels::gmm_fit_from_labels(ctx, options, fits, offsets.data(), x,
                                     labels.data<std::uint8_t>(), results, clean, nullptr);
      });
}

PartitionedSamples partition_samples(const Tensor& clean_probability, const Tensor& labels,
                                     std::int64_t classes, double threshold) {
  const std::int64_t n = clean_probability.numel();
  // Reads probabilities and labels, writes whether each is labelled.
  Work work = moved(2 * n, DType::kFloat64);
  work += moved(n, DType::kUint8);
  const Range range("partition", work);
  PartitionedSamples parts{Tensor::empty({n}, DType::kInt64, clean_probability.device()), {}};
  on_device(clean_probability.device(), [&](const auto& ctx) {
    parts.sizes = kernels::balanced_partition(
        ctx, n, classes, threshold, clean_probability.data<double>(), labels.data<std::int64_t>(),
        parts.samples.data<std::int64_t>());
  });
  return parts;
}

Tensor pseudo_labels(const Tensor& prototype_logits, const Tensor& logits, double threshold) {
  const Range range("prototypes", moved(2 * logits.numel(), DType::kFloat32));
  const std::int64_t n = logits.size(0);
  Tensor labels = Tensor::empty({n}, DType::kInt64, logits.device());
  dispatch_float32(logits, [&](const auto& ctx) {
    kernels::pseudo_labels(ctx, n, logits.size(1), threshold, prototype_logits.data<float>(),
                           logits.data<float>(), labels.data<std::int64_t>());
  });
  return labels;
}

void class_means(const Tensor& projection, const Tensor& labels, Tensor& prototypes) {
  const Range range("prototypes", moved(projection.numel(), projection.dtype()));
  Tensor counts = Tensor::empty({prototypes.size(0)}, DType::kInt64, projection.device());
  dispatch_float32(projection, [&](const auto& ctx) {
    kernels::class_means(ctx, shape_of(projection, prototypes), projection.data<float>(),
                         labels.data<std::int64_t>(), prototypes.data<float>(),
                         counts.data<std::int64_t>());
  });
}

void update_prototypes(const Tensor& projection, const Tensor& classes, double momentum,
                       Tensor& prototypes) {
  const Range range("prototypes", moved(projection.numel(), DType::kFloat32));
  Tensor counts = Tensor::empty({prototypes.size(0)}, DType::kInt64, projection.device());
  dispatch_float32(projection, [&](const auto& ctx) {
    kernels::update_prototypes(ctx, shape_of(projection, prototypes), momentum,
                               projection.data<float>(), classes.data<std::int64_t>(),
                               prototypes.data<float>(), counts.data<std::int64_t>());
  });
}

}  // namespace bptplr
