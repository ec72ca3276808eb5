// One pass over the vectors of a data set: what normalises them, and whether they can be used.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/load_report.hpp"

namespace bptplr {

/// What is known of vectors after reading each of them once.
struct VectorStatistics {
  std::vector<float> mean;            ///< [dim]
  std::vector<float> std;             ///< [dim], 1 for values that are the same in all vectors
  std::vector<std::uint64_t> hashes;  ///< [count] hash_bytes
};

/// Returns whether no value of the vectors is negative, and some are not 0.
bool are_nonnegative(const Vectors& vectors);

/// Reads all vectors, in parallel; the result does not depend on the number of threads. Throws
/// Error naming `file`, the row and the value for one that is not finite.
VectorStatistics vector_statistics(const Vectors& vectors, const std::string& file,
                                   const LoadReport& report = {});

}  // namespace bptplr
