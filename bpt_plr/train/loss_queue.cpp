#include "bpt_plr/train/loss_queue.hpp"

#include <cmath>

namespace bptplr {
namespace {

std::string describe(const LossTerms& terms) {
  std::string text;
  for (const auto& [name, value] : terms) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  }
  return text;
}

}  // namespace

void LossQueue::report(std::size_t most) {
  const auto is_early = [&] { return !keeps_order_ && waiting_.front().values.has_arrived(); };
  while (!waiting_.empty() && (waiting_.size() > most || is_early())) {
    report_first();
    waiting_.pop_front();
  }
}

void LossQueue::report_first() const {
  const Iteration& first = waiting_.front();
  LossTerms terms = loss_terms({first.names, first.values.get()});
  terms.insert(first.known.begin(), first.known.end());
  const bool finite = std::isfinite(terms.at("loss"));
  if (!finite || first.nonfinite.get().item() != 0.0) {
    throw NotFinite("the {} is not finite in {} ({}); lower --lr or check the data",
                    finite ? "gradient" : "loss", place_(first.number), describe(terms));
  }
  report_(first, terms);
}

}  // namespace bptplr
