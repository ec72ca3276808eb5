// Makes random convolutions with their three results by plain loops in double precision.
#pragma once

#include "kernels/conv2d.hpp"
#include "tests/cuda/activations.hpp"

namespace bptplr {

/// x, w and dy, rounded to T; y, dx and dw are float64.
struct ConvolutionProblem {
  Tensor x, w, dy, y, dx, dw;
};

template <class T>
ConvolutionProblem make_convolution(const kernels::Conv2dShape& s) {
  ConvolutionProblem p;
  p.x = rounded<T>(random_normal({s.n, s.h, s.w, s.c}, 1));
  p.w = rounded<T>(random_normal({s.k, s.kernel, s.kernel, s.c}, 2));
  p.dy = rounded<T>(random_normal({s.n, s.out_h(), s.out_w(), s.k}, 3));
  const Tensor x = p.x.to(DType::kFloat64), w = p.w.to(DType::kFloat64);
  const Tensor dy = p.dy.to(DType::kFloat64);
  p.y = Tensor::empty_like(dy);
  p.dx = Tensor::empty_like(x);
  p.dw = Tensor::empty_like(w);
  const auto ctx = cpu_context();
  kernels::conv2d_forward(ctx, s, x.data<double>(), w.data<double>(), p.y.data<double>());
  kernels::conv2d_backward_data(ctx, s, dy.data<double>(), w.data<double>(), p.dx.data<double>());
  kernels::conv2d_backward_weights(ctx, s, x.data<double>(), dy.data<double>(), p.dw.data<double>(),
                                   nullptr);
  return p;
}

}  // namespace bptplr
