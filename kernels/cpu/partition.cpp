#include "kernels/partition.hpp"

#include <algorithm>
#include <vector>

namespace bptplr::kernels {
namespace {

/// The samples of each class, in any order, with the `budget` cleanest first.
void order_by_cleanness(const double* clean_probability, std::int64_t budget,
                        std::vector<std::vector<std::int64_t>>& members) {
  const auto before = [&](std::int64_t a, std::int64_t b) {
    const double w_a = clean_probability[a];
    const double w_b = clean_probability[b];
    return w_a != w_b ? w_a > w_b : a < b;
  };
  for (std::vector<std::int64_t>& of_class : members) {
    if (std::ssize(of_class) <= budget) continue;
    std::nth_element(of_class.begin(), of_class.begin() + budget, of_class.end(), before);
  }
}

}  // namespace

template <>
PartitionSizes balanced_partition(const CpuContext& /*ctx*/, std::int64_t n, std::int64_t classes,
                                  double threshold, const double* clean_probability,
                                  const std::int64_t* noisy_labels, std::int64_t* samples) {
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(classes));
  std::int64_t clean = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    members[static_cast<std::size_t>(noisy_labels[i])].push_back(i);
    clean += clean_probability[i] > threshold ? 1 : 0;
  }
  PartitionSizes sizes;
  sizes.budget = clean / classes;
  order_by_cleanness(clean_probability, sizes.budget, members);

  std::vector<char> is_labelled(static_cast<std::size_t>(n), 0);
  for (const std::vector<std::int64_t>& of_class : members) {
    const auto taken = std::min(std::ssize(of_class), sizes.budget);
    for (std::int64_t k = 0; k < taken; ++k) {
      is_labelled[static_cast<std::size_t>(of_class[static_cast<std::size_t>(k)])] = 1;
    }
    sizes.labelled += taken;
  }
  sizes.unlabelled = n - sizes.labelled;
  std::int64_t* labelled = samples;
  std::int64_t* unlabelled = samples + sizes.labelled;
  for (std::int64_t i = 0; i < n; ++i) {
    *(is_labelled[static_cast<std::size_t>(i)] != 0 ? labelled++ : unlabelled++) = i;
  }
  return sizes;
}

}  // namespace bptplr::kernels
