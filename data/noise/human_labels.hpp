// Human labels of CIFAR images: CIFAR-10N and CIFAR-100N (Wei et al., "Learning with Noisy Labels
// Revisited: A Study Using Real-World Human Annotations", ICLR 2022).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bptplr {

/// The sets of CIFAR-10N: aggre (majority of three annotators), random1 to random3 (one annotator
/// each), worse (a wrong one of the three, where there is any). CIFAR-100N has one set.
/// `path` is one of these files or a folder that holds one: CIFAR-10_human.pt or .npy
/// (CIFAR-100_human.*), as published, with all sets; cifar10n_SET.json (cifar100n.json), a list of
/// one. Each has `count` labels in [0, num_classes) in the original order of the training images;
/// num_classes is 10 or 100. Throws Error naming the file when it is missing or of another kind.
std::vector<std::int64_t> read_human_labels(const std::filesystem::path& path,
                                            const std::string& set, std::int64_t num_classes,
                                            std::int64_t count);

}  // namespace bptplr
