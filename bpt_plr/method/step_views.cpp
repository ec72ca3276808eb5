#include "bpt_plr/method/step_views.hpp"

namespace bptplr {

void mix_views(const Tensor& rows, const Batch& batch, const StepViews& views, Tensor out) {
  if (views.partners.defined()) {
    mix_rows(rows, views.partners, batch.partner_rows, batch.mix(), std::move(out));
  } else {
    mix_rows(rows, rows, batch.permutation, batch.mix(), std::move(out));
  }
}

}  // namespace bptplr
