// Solves symmetric positive definite systems of a few thousand unknowns: engine and method need no
// other linear algebra, for which a library would be one more thing to install.
#pragma once

#include <cstdint>
#include <vector>

namespace bptplr {

/// Solves A X = B for A [n, n], symmetric and positive definite, and B [n, columns], row-major, and
/// returns X. The same bits for any number of threads. Throws Error if A is not positive definite.
std::vector<double> solve_positive(std::vector<double> a, std::vector<double> b, std::int64_t n,
                                   std::int64_t columns);

}  // namespace bptplr
