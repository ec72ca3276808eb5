// Queue of the losses of iterations that a GPU has not finished yet, in order.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "bpt_plr/method/batch.hpp"
#include "engine/error.hpp"
#include "engine/pending_copy.hpp"

namespace bptplr {

/// Thrown for a loss or gradient that is not finite. Parameters are those before that iteration,
/// unless only the loss is at fault. (Running statistics may include a few later iterations, as a
/// GPU lags behind the host.)
class NotFinite : public Error {
 public:
  using Error::Error;
};

/// Reports the losses of iterations as they arrive.
class LossQueue {
 public:
  /// Losses of a queued iteration.
  struct Iteration {
    std::int64_t number = 0;
    std::int64_t images = 0;  ///< samples drawn up to this iteration
    LossTerms known;          ///< Batch::known
    std::vector<std::string> names;
    PendingCopy values;
    PendingCopy nonfinite;  ///< Sgd::nonfinite
  };
  using Report = std::function<void(const Iteration& iteration, const LossTerms& losses)>;

  /// Receives `place`, which names epoch and network in errors, e.g. "epoch 3, training iteration
  /// {} of network 1".
  LossQueue(Report report, std::function<std::string(std::int64_t iteration)> place)
      : report_(std::move(report)), place_(std::move(place)) {}

  /// Makes `report` wait for the same iterations whenever they arrive, so that an error comes to
  /// all ranks at the same one.
  void keep_order() { keeps_order_ = true; }
  void add(Iteration iteration) { waiting_.push_back(std::move(iteration)); }
  /// Reports what has arrived, and waits while more than `most` are queued. Throws NotFinite.
  void report(std::size_t most);

 private:
  void report_first() const;

  Report report_;
  std::function<std::string(std::int64_t)> place_;
  std::deque<Iteration> waiting_;
  bool keeps_order_ = false;
};

}  // namespace bptplr
