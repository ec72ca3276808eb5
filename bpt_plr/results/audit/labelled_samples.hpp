// Predictions with a label each, and their probabilities at a temperature.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bptplr {

/// Samples with a prediction and a label each. The pointers are the caller's.
struct LabelledSamples {
  std::int64_t count;
  std::int64_t classes;
  const float* logits;  ///< [count, classes]
  std::span<const std::int64_t> labels;
  std::vector<std::int64_t> by_label;  ///< [count] samples in the order of their labels
  std::vector<std::int64_t> first_of;  ///< [classes + 1] where those of each label begin
  std::vector<std::int64_t> place;     ///< [count] of each sample in by_label
  std::vector<float> top;              ///< [count] greatest logit

  LabelledSamples(std::int64_t count, std::int64_t classes, const float* logits,
                  std::span<const std::int64_t> labels);

  std::span<const float> row(std::int64_t i) const {
    return {logits + i * classes, static_cast<std::size_t>(classes)};
  }
  /// Returns the samples with label y, in their order.
  std::span<const std::int64_t> members(std::size_t y) const {
    return std::span(by_label).subspan(static_cast<std::size_t>(first_of[y]),
                                       static_cast<std::size_t>(first_of[y + 1] - first_of[y]));
  }
  std::int64_t label(std::int64_t i) const { return labels[static_cast<std::size_t>(i)]; }
};

/// Number of samples that a thread processes at a time.
inline constexpr std::int64_t kAuditGrain = 1024;

/// Returns how many pieces of work, `each` of so many numbers, a thread takes at a time: where all
/// are few, one thread is faster than waiting for another.
inline std::int64_t grain_of(std::size_t each) {
  constexpr std::size_t kNumbers = std::size_t{1} << 15;
  return static_cast<std::int64_t>(std::max<std::size_t>(1, kNumbers / each));
}

/// Returns softmax(z / temperature) [count, classes] of all samples.
std::vector<float> tempered(const LabelledSamples& samples, double temperature);

/// Writes the same to p [count, padded(classes)] in the order of by_label, with zeros as padding:
/// memory that is read in order is read several times faster.
void temper_by_label(const LabelledSamples& samples, double temperature, std::vector<float>& p);

}  // namespace bptplr
