#include "data/noise/noise.hpp"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "data/noise/label_file.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

/// Class that each of CIFAR-10's classes 0..9 becomes under asymmetric noise.
constexpr std::array<std::int64_t, 10> kMistakenFor{0, 1, 0, 5, 7, 3, 6, 7, 8, 1};

void require_rate(double rate) {
  require(rate >= 0.0 && rate <= 1.0,
          "a noise rate of {} was asked for; it is the share of labels, from 0 to 1", rate);
}

/// Throws Error with `advice` for a label that is not one of the classes 0 to num_classes - 1.
void require_classes(std::span<const std::int64_t> labels, std::int64_t num_classes,
                     std::string_view kind, std::string_view advice) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    require(labels[i] >= 0 && labels[i] < num_classes,
            "{} noise met label {} at sample {}, but there are the classes 0 to {}; {}", kind,
            labels[i], i, num_classes - 1, advice);
  }
}

/// Replaces round(rate * N) labels by change(label, random).
template <class Change>
std::vector<std::int64_t> change_some(std::span<const std::int64_t> labels, double rate,
                                      std::uint64_t seed, Change&& change) {
  require_rate(rate);
  std::vector<std::int64_t> noisy(labels.begin(), labels.end());
  Philox random(seed, Purpose::kNoise);
  std::vector<std::int64_t> chosen = random.permutation(static_cast<std::int64_t>(labels.size()));
  chosen.resize(static_cast<std::size_t>(std::llround(rate * static_cast<double>(labels.size()))));
  for (const std::int64_t index : chosen) {
    auto& label = noisy[static_cast<std::size_t>(index)];
    label = change(label, random);
  }
  return noisy;
}

}  // namespace

std::vector<std::int64_t> symmetric_noise(std::span<const std::int64_t> labels,
                                          std::int64_t num_classes, double rate,
                                          std::uint64_t seed) {
  require(num_classes >= 1, "symmetric noise needs at least one class, not {}", num_classes);
  require_classes(labels, num_classes, "symmetric", "correct the label or the number of classes");
  return change_some(labels, rate, seed, [&](std::int64_t, Philox& random) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint32_t>(num_classes)));
  });
}

std::vector<std::int64_t> asymmetric_noise_cifar10(std::span<const std::int64_t> labels,
                                                   double rate, std::uint64_t seed) {
  require_classes(labels, std::ssize(kMistakenFor), "asymmetric",
                  "it is defined for CIFAR-10, use symmetric noise for other data sets");
  return change_some(labels, rate, seed, [](std::int64_t label, Philox&) {
    return kMistakenFor[static_cast<std::size_t>(label)];
  });
}

std::vector<std::int64_t> asymmetric_noise_cifar100(std::span<const std::int64_t> labels,
                                                    double rate, std::uint64_t seed) {
  constexpr std::int64_t kBlock = 5;
  require_rate(rate);
  require_classes(labels, 100, "asymmetric",
                  "this one is that of CIFAR-100, use symmetric noise for other data sets");
  std::vector<std::int64_t> noisy(labels.begin(), labels.end());
  Philox random(seed, Purpose::kNoise);
  for (std::int64_t& label : noisy) {
    if (random.uniform_double() < rate) label = label / kBlock * kBlock + (label + 1) % kBlock;
  }
  return noisy;
}

double noise_rate(std::span<const std::int64_t> noisy, std::span<const std::int64_t> truth) {
  std::int64_t known = 0;
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0) continue;
    ++known;
    if (noisy[i] != truth[i]) ++wrong;
  }
  return static_cast<double>(wrong) / static_cast<double>(known);
}

std::vector<double> transition_matrix(std::span<const std::int64_t> noisy,
                                      std::span<const std::int64_t> truth,
                                      std::int64_t num_classes) {
  const auto classes = static_cast<std::size_t>(num_classes);
  std::vector<double> matrix(classes * classes);
  std::vector<double> counts(classes);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0) continue;
    const auto row = static_cast<std::size_t>(truth[i]);
    ++counts[row];
    ++matrix[row * classes + static_cast<std::size_t>(noisy[i])];
  }
  for (std::size_t k = 0; k < matrix.size(); ++k) {
    if (matrix[k] > 0) matrix[k] /= counts[k / classes];
  }
  return matrix;
}

std::vector<std::int64_t> read_noise_file(const std::filesystem::path& path, std::int64_t count,
                                          std::int64_t num_classes) {
  return checked_labels(only_list(read_label_lists(path), path), path, count, num_classes);
}

std::int64_t count_labels(const std::filesystem::path& path) {
  return only_list(read_label_lists(path), path).count;
}

void write_noise_file(const std::filesystem::path& path, std::span<const std::int64_t> labels) {
  const std::vector<std::int64_t> list(labels.begin(), labels.end());
  write_file_atomically(path, to_text(nlohmann::json(list)));
}

}  // namespace bptplr
