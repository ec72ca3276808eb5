// CIFAR-10 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) from either
// of its published forms.
#pragma once

#include <filesystem>

#include "data/dataset.hpp"

namespace bptplr {

/// Reads CIFAR-10 from `folder`: cifar-10-batches-bin or cifar-10-batches-py as extracted from the
/// published archives, or the folder that holds one of them (bin is preferred). Files that Python 3
/// pickled again are read too, and so are shortened copies whose five training batches hold equally
/// many images. Training images keep the original order, which label files refer to. Throws Error
/// naming the file when one is missing, cut short, damaged or of another kind.
Dataset load_cifar10(const std::filesystem::path& folder);

}  // namespace bptplr
