// Images in arrays, as PyTorch's and NumPy's users have them: uint8 [N, height, width, 3] in a
// file, which is mapped and never loaded, with labels beside it.
#pragma once

#include "data/dataset.hpp"
#include "data/load_report.hpp"
#include "data/sets/stored_samples.hpp"

namespace bptplr {

/// Loads images, as load_stored_samples does; the array is called `images`, `x` or `X`, that of
/// test samples `test_images`, `x_test` or `X_test`. They are normalised by the statistics of each
/// channel of the training images. Throws Error as that does.
Dataset load_arrays(const SampleFiles& files, const TestSplit& split, const LoadReport& report);

}  // namespace bptplr
