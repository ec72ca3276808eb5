// What differs between versions 2 and 3 of oneDNN: how a convolution is described. Version 2 has an
// operation descriptor inside each primitive descriptor, version 3 takes its parts one by one.
#pragma once

#include <dnnl.hpp>
#include <utility>

namespace bptplr::kernels::onednn {

/// Convolution of x [n, c, h, w] with w [k, c, kernel, kernel] to y [n, k, out_h, out_w]; the
/// gradient of an operand has its layout. A layout may be `any`: oneDNN then chooses.
struct Convolution {
  dnnl::algorithm algorithm = dnnl::algorithm::convolution_direct;
  dnnl::memory::desc x, w, y;
  dnnl::memory::dims strides, padding;
};

using Forward = dnnl::convolution_forward;
using BackwardData = dnnl::convolution_backward_data;
using BackwardWeights = dnnl::convolution_backward_weights;

#if DNNL_VERSION_MAJOR >= 3

inline Forward::primitive_desc forward(const dnnl::engine& engine, const Convolution& c,
                                       const dnnl::primitive_attr& attr) {
  return {engine,      dnnl::prop_kind::forward_training,
          c.algorithm, c.x,
          c.w,         c.y,
          c.strides,   c.padding,
          c.padding,   attr};
}
inline BackwardData::primitive_desc backward_data(const dnnl::engine& engine, const Convolution& c,
                                                  const Forward::primitive_desc& hint,
                                                  const dnnl::primitive_attr& attr) {
  return {engine, c.algorithm, c.x, c.w, c.y, c.strides, c.padding, c.padding, hint, attr};
}
inline BackwardWeights::primitive_desc backward_weights(const dnnl::engine& engine,
                                                        const Convolution& c,
                                                        const Forward::primitive_desc& hint,
                                                        const dnnl::primitive_attr& attr) {
  return {engine, c.algorithm, c.x, c.w, c.y, c.strides, c.padding, c.padding, hint, attr};
}

#else

inline Forward::primitive_desc forward(const dnnl::engine& engine, const Convolution& c,
                                       const dnnl::primitive_attr& attr) {
  return {{dnnl::prop_kind::forward_training, c.algorithm, c.x, c.w, c.y, c.strides, c.padding,
           c.padding},
          attr,
          engine};
}
inline BackwardData::primitive_desc backward_data(const dnnl::engine& engine, const Convolution& c,
                                                  const Forward::primitive_desc& hint,
                                                  const dnnl::primitive_attr& attr) {
  return {{c.algorithm, c.x, c.w, c.y, c.strides, c.padding, c.padding}, attr, engine, hint};
}
inline BackwardWeights::primitive_desc backward_weights(const dnnl::engine& engine,
                                                        const Convolution& c,
                                                        const Forward::primitive_desc& hint,
                                                        const dnnl::primitive_attr& attr) {
  return {{c.algorithm, c.x, c.w, c.y, c.strides, c.padding, c.padding}, attr, engine, hint};
}

#endif

}  // namespace bptplr::kernels::onednn
