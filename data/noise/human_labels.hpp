// Human labels of CIFAR images: CIFAR-10N and CIFAR-100N (Wei et al., "Learning with Noisy Labels
// Revisited: A Study Using Real-World Human Annotations", ICLR 2022).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "engine/names.hpp"

namespace bptplr {

/// Label sets of CIFAR-10N; CIFAR-100N has one set, which any value selects.
enum class HumanSet {
  kAggre,    ///< majority of three annotators
  kWorse,    ///< a wrong one of the three, if any
  kRandom1,  ///< one annotator each
  kRandom2,
  kRandom3
};
constexpr auto names_of(HumanSet) {
  return std::to_array<NamedValue<HumanSet>>({{HumanSet::kAggre, "aggre"},
                                              {HumanSet::kWorse, "worse"},
                                              {HumanSet::kRandom1, "random1"},
                                              {HumanSet::kRandom2, "random2"},
                                              {HumanSet::kRandom3, "random3"}});
}

/// Reads the labels of `set` in the original order of the training images, whose `official` labels
/// those of the file called clean_label must be: labels in [0, num_classes), which is 10 or 100.
/// `path` is a file or a folder with one: CIFAR-10_human.pt or .npy (CIFAR-100_human.*), as
/// published, with all sets; or cifar10n_SET.json (cifar100n.json), a list of one set.
/// CIFAR-10_human_ordered.npy (CIFAR-100_*), in the order of TensorFlow Datasets, is brought back
/// to the original one by image_order_c10.npy (c100) beside it. The file may be of any format that
/// data/noise/label_file.hpp reads. Throws Error naming the file when it is missing or of another
/// kind.
std::vector<std::int64_t> read_human_labels(const std::filesystem::path& path, HumanSet set,
                                            std::int64_t num_classes,
                                            std::span<const std::int64_t> official);

}  // namespace bptplr
