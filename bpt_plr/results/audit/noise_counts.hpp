// Expected numbers of samples of each label and true class, and how well a noise model explains
// them: what noise_fit.hpp maximises.
#pragma once

#include <cstddef>
#include <vector>

namespace bptplr {

/// Numbers of the samples labelled y of true class c at y * C + c. Sums do not depend on the number
/// of threads.
class NoiseCounts {
 public:
  explicit NoiseCounts(std::size_t classes);

  std::size_t classes() const { return classes_; }
  /// Returns the row of a label, of padded(classes); what is beyond the classes is not read.
  const double* row(std::size_t label) const { return counts_.data() + label * stride_; }
  double* row(std::size_t label) { return counts_.data() + label * stride_; }
  /// To be called when rows have been written.
  void sum_up();

  /// Samples of each class, whatever their labels.
  const std::vector<double>& of_class() const { return of_class_; }
  double right() const { return right_; }
  double wrong() const { return wrong_; }

  /// Returns the log-probability of the counts if each row of transitions has a Dirichlet prior
  /// with the number `right` for the right label and `wrong` for each other: one
  /// Dirichlet-multinomial for each class.
  double log_evidence(double right, double wrong) const;
  /// Returns the log-probability of the counts given transitions, in rows as the counts are.
  double log_likelihood(const std::vector<double>& transition) const;

 private:
  std::size_t classes_;
  std::size_t stride_;
  std::vector<double> counts_;
  std::vector<double> of_class_;
  double right_ = 0.0;
  double wrong_ = 0.0;
};

}  // namespace bptplr
