#include "bpt_plr/method/mixup.hpp"

#include <type_traits>

#include "engine/dispatch.hpp"
#include "kernels/mixup.hpp"

namespace bptplr {

void mix_rows(const Tensor& a, const Tensor& permutation, const double* l, Tensor out) {
  const std::int64_t rows = a.size(0);
  if (rows == 0) return;
  const auto* perm = permutation.data<std::int64_t>();
  dispatch_activation(a, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    if constexpr (kOnGpu<decltype(ctx)>) {
      kernels::mixup(ctx, rows, a.numel() / rows, l, a.data<T>(), perm, out.data<T>());
    } else if constexpr (std::is_same_v<T, float>) {
      kernels::mixup(ctx, rows, a.numel() / rows, static_cast<float>(*l), a.data<T>(), perm,
                     out.data<T>());
    }
  });
}

}  // namespace bptplr
