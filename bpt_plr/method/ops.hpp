#pragma once
#include "bpt_plr/method/losses.hpp"
#include "engine/dispatch.hpp"
#include "kernels/mixup.hpp"
#include "kernels/targets.hpp"
namespace bptplr {
inline Tensor co_guess(const Tensor& own, const Tensor& other, double temperature) {
  const std::int64_t n = own.size(0) / 2, c = own.size(1);
  Tensor t = Tensor::empty({n, c}, DType::kFloat32, own.device());
  dispatch_float32(other, [&](const auto& ctx) {
    kernels::co_guess(ctx, n, c, temperature, own.data<float>(), own.data<float>() + n * c,
                      other.data<float>(), other.data<float>() + n * c, t.data<float>(), nullptr);
  });
  return t;
}
inline Tensor co_refine(const Tensor& own, const Tensor& labels, const Tensor& w,
                        double temperature) {
  const std::int64_t n = own.size(0) / 2, c = own.size(1);
  Tensor t = Tensor::empty({n, c}, DType::kFloat32, own.device());
  dispatch_float32(own, [&](const auto& ctx) {
    kernels::co_refine(ctx, n, c, temperature, own.data<float>(), own.data<float>() + n * c,
                       labels.data<std::int64_t>(), w.data<float>(), t.data<float>(), nullptr);
  });
  return t;
}
void mix_rows(const Tensor& a, const Tensor& permutation, const double* l, Tensor out);
inline void mix_rows(const Tensor& a, const Tensor& permutation, const Tensor& l, Tensor out) {
  mix_rows(a, permutation, l.data<double>(), out);
}
inline SemiSupervisedLoss semi_supervised_loss(const Tensor& logits, const Tensor& targets,
                                               std::int64_t labelled, const Tensor& c) {
  return semi_supervised_loss(
      logits, targets, labelled,
      reinterpret_cast<const kernels::SemiSupervisedCoefficients*>(c.data<double>()));
}
}  // namespace bptplr
