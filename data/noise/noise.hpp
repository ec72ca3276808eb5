// Synthetic label noise: the class-dependent models of the CIFAR benchmarks, and label files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "engine/names.hpp"

namespace bptplr {

/// Kinds of label noise.
enum class NoiseMode {
  kAuto,      ///< depends on the data set
  kSym,       ///< symmetric_noise
  kAsym,      ///< asymmetric_noise_cifar10, asymmetric_noise_cifar100
  kInstance,  ///< instance_noise
  kHuman,     ///< read_human_labels
  kNone
};
constexpr auto names_of(NoiseMode) {
  return std::to_array<NamedValue<NoiseMode>>({{NoiseMode::kAuto, "auto"},
                                               {NoiseMode::kSym, "sym"},
                                               {NoiseMode::kAsym, "asym"},
                                               {NoiseMode::kInstance, "instance"},
                                               {NoiseMode::kHuman, "human"},
                                               {NoiseMode::kNone, "none"}});
}

/// Replaces round(rate * N) labels, chosen without replacement, by a class drawn uniformly from all
/// classes, including the true one: about rate * (1 - 1 / num_classes) of all become wrong. Throws
/// Error unless rate is in [0, 1], there is a class, and the labels are in 0..num_classes-1.
std::vector<std::int64_t> symmetric_noise(std::span<const std::int64_t> labels,
                                          std::int64_t num_classes, double rate,
                                          std::uint64_t seed);

/// Replaces round(rate * N) labels, chosen without replacement, by the class that theirs is
/// mistaken for: truck -> automobile, bird -> airplane, cat <-> dog, deer -> horse; the other five
/// do not change (Patrini et al., "Making Deep Neural Networks Robust to Label Noise", CVPR 2017).
/// Throws Error unless rate is in [0, 1] and the labels are in 0..9.
std::vector<std::int64_t> asymmetric_noise_cifar10(std::span<const std::int64_t> labels,
                                                   double rate, std::uint64_t seed);

/// Replaces each label, with probability `rate`, by the next class in its block of five consecutive
/// fine labels of CIFAR-100, the last by the first (Patrini et al., as commonly implemented).
/// Throws Error unless rate is in [0, 1] and the labels are in 0..99.
std::vector<std::int64_t> asymmetric_noise_cifar100(std::span<const std::int64_t> labels,
                                                    double rate, std::uint64_t seed);

/// Returns the share of labels that differ from the true ones, among those with a known true label
/// (>= 0); NaN if there are none. The spans have equal lengths.
double noise_rate(std::span<const std::int64_t> noisy, std::span<const std::int64_t> truth);

/// Returns T[i * num_classes + j], the share of the samples of true class i that are labelled j.
/// Rows of classes without samples are 0; unknown (negative) true labels do not count.
std::vector<double> transition_matrix(std::span<const std::int64_t> noisy,
                                      std::span<const std::int64_t> truth,
                                      std::int64_t num_classes);

/// Reads a list (data/noise/label_file.hpp) of `count` integers in [0, num_classes), a label for
/// each training image in the original order. Throws Error naming the file, the position and what
/// was expected.
std::vector<std::int64_t> read_noise_file(const std::filesystem::path& path, std::int64_t count,
                                          std::int64_t num_classes);

/// Returns the number of labels in such a file, whatever they are.
std::int64_t count_labels(const std::filesystem::path& path);

/// Writes labels as JSON, in the format that read_noise_file reads. Throws Error on failure.
void write_noise_file(const std::filesystem::path& path, std::span<const std::int64_t> labels);

}  // namespace bptplr
