// Wrong labels on purpose: the class-dependent noise models of the CIFAR benchmarks, and label
// files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "engine/names.hpp"

namespace bptplr {

/// How the labels of a training set are made wrong.
enum class NoiseMode {
  kAuto,      ///< as suits the data set
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

/// round(rate * N) labels, chosen without replacement, are replaced by a class drawn uniformly from
/// all classes, the true one included: about rate * (1 - 1 / num_classes) of all come out wrong.
/// Throws Error unless rate lies in [0, 1], there is a class, and the labels lie in
/// 0..num_classes-1.
std::vector<std::int64_t> symmetric_noise(std::span<const std::int64_t> labels,
                                          std::int64_t num_classes, double rate,
                                          std::uint64_t seed);

/// round(rate * N) labels, chosen without replacement, move to the class that CIFAR-10's is
/// mistaken for: truck -> automobile, bird -> airplane, cat <-> dog, deer -> horse, the other five
/// unchanged (Patrini et al., "Making Deep Neural Networks Robust to Label Noise", CVPR 2017).
/// Throws Error unless rate lies in [0, 1] and the labels in 0..9.
std::vector<std::int64_t> asymmetric_noise_cifar10(std::span<const std::int64_t> labels,
                                                   double rate, std::uint64_t seed);

/// Each label moves, with probability `rate`, to the next class of its block of five consecutive
/// fine labels of CIFAR-100, the last one to the first (Patrini et al., as the field runs it).
/// Throws Error unless rate lies in [0, 1] and the labels in 0..99.
std::vector<std::int64_t> asymmetric_noise_cifar100(std::span<const std::int64_t> labels,
                                                    double rate, std::uint64_t seed);

/// The share of labels that differ from the true ones, among those whose true one is known (>= 0);
/// NaN where none is. The spans are equally long.
double noise_rate(std::span<const std::int64_t> noisy, std::span<const std::int64_t> truth);

/// T[i * num_classes + j]: the share of the samples of true class i that are labelled j. Rows of
/// classes without a sample are 0; unknown (negative) true labels do not count.
std::vector<double> transition_matrix(std::span<const std::int64_t> noisy,
                                      std::span<const std::int64_t> truth,
                                      std::int64_t num_classes);

/// Reads a JSON list of `count` integers in [0, num_classes), a label for each training image in
/// the original order. Throws Error naming the file, the position and what was expected.
std::vector<std::int64_t> read_noise_file(const std::filesystem::path& path, std::int64_t count,
                                          std::int64_t num_classes);

/// Writes labels in the form that read_noise_file reads. Throws Error when that fails.
void write_noise_file(const std::filesystem::path& path, std::span<const std::int64_t> labels);

}  // namespace bptplr
