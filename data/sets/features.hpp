// Features of samples, computed by any pretrained network: a matrix [N, D] in a file, which is
// mapped and never loaded, with labels beside it.
#pragma once

#include "data/dataset.hpp"
#include "data/load_report.hpp"
#include "data/sets/stored_samples.hpp"

namespace bptplr {

/// Largest D of a matrix of features.
inline constexpr std::int64_t kMaxFeatures = 8192;

/// Loads features of float16 or float32, as load_stored_samples does; the array is called
/// `features`, `x` or `X`, that of test samples `test_features`, `x_test` or `X_test`. Networks see
/// the square roots of features of which none is negative, normalised by the training rows. Throws
/// Error as that does, for more than kMaxFeatures values, and for one that is not finite.
Dataset load_features(const SampleFiles& files, const TestSplit& split, const LoadReport& report);

}  // namespace bptplr
