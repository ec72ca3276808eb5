// CIFAR-100 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) with its
// fine labels, from either of its published forms.
#pragma once

#include <filesystem>

#include "data/dataset.hpp"

namespace bptplr {

/// Reads CIFAR-100 from `folder`: cifar-100-binary or cifar-100-python as extracted from the
/// published archives, or the folder that holds one of them; otherwise like load_cifar10.
Dataset load_cifar100(const std::filesystem::path& folder);

}  // namespace bptplr
