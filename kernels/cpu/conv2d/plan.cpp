#include "kernels/cpu/conv2d/plan.hpp"

#include <omp.h>

#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>

#include "kernels/cpu/conv2d/onednn.hpp"

namespace bptplr::kernels::onednn {

const dnnl::engine& host_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::reorder make_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  return dnnl::reorder(dnnl::reorder::primitive_desc(host_engine(), from, host_engine(), to,
                                                     dnnl::primitive_attr()));
}

namespace {

/// Makes oneDNN plan for one thread while it lives.
class SingleThreadScope {
 public:
  SingleThreadScope() : saved_(omp_get_max_threads()) { omp_set_num_threads(1); }
  SingleThreadScope(const SingleThreadScope&) = delete;
  SingleThreadScope& operator=(const SingleThreadScope&) = delete;
  ~SingleThreadScope() { omp_set_num_threads(saved_); }

 private:
  int saved_;
};

Operand make_operand(const dnnl::memory::desc& user, const dnnl::memory::desc& native, bool input) {
  Operand operand{user, native, {}};
  if (!operand.same()) {
    operand.convert = input ? make_reorder(user, native) : make_reorder(native, user);
  }
  return operand;
}

/// Winograd F(4x4, 3x3), which oneDNN 2 has for AVX-512, wins from 32 channels on; below, the
/// direct kernels are faster. Those read NHWC: no other layout was faster for all shapes, with
/// either version.
bool prefer_winograd(const Conv2dShape& s) {
  return s.kernel == 3 && s.stride == 1 && s.padding == 1 && s.c >= 32 && s.k >= 32;
}

Plan finish_plan(Pass pass, const Convolution& user, const dnnl::primitive_desc_base& pd,
                 const dnnl::memory::desc& x, const dnnl::memory::desc& w,
                 const dnnl::memory::desc& y, dnnl::primitive primitive) {
  Plan plan;
  plan.primitive = std::move(primitive);
  plan.scratchpad = pd.scratchpad_desc();
  plan.x = make_operand(user.x, x, pass != Pass::kBackwardData);
  plan.w = make_operand(user.w, w, pass != Pass::kBackwardWeights);
  plan.y = make_operand(user.y, y, pass != Pass::kForward);
  return plan;
}

/// Plans `wanted`; a backward pass is told what forward pass it belongs to.
Plan make_plan_with(Pass pass, const Convolution& user, const Convolution& wanted,
                    const Convolution& of_forward) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::engine& engine = host_engine();
  const Forward::primitive_desc fwd = forward(engine, of_forward, attr);
  if (pass == Pass::kForward) {
    return finish_plan(pass, user, fwd, fwd.src_desc(), fwd.weights_desc(), fwd.dst_desc(),
                       Forward(fwd));
  }
  if (pass == Pass::kBackwardData) {
    const BackwardData::primitive_desc pd = backward_data(engine, wanted, fwd, attr);
    return finish_plan(pass, user, pd, pd.diff_src_desc(), pd.weights_desc(), pd.diff_dst_desc(),
                       BackwardData(pd));
  }
  const BackwardWeights::primitive_desc pd = backward_weights(engine, wanted, fwd, attr);
  return finish_plan(pass, user, pd, pd.src_desc(), pd.diff_weights_desc(), pd.diff_dst_desc(),
                     BackwardWeights(pd));
}

Plan make_plan(const PassOf& of, const Conv2dShape& s) {
  using dt = dnnl::memory::data_type;
  using tag = dnnl::memory::format_tag;
  const bool grid = reads_a_grid(s);
  const dnnl::memory::dims dims_x{s.n, s.c, grid ? s.out_h() : s.h, grid ? s.out_w() : s.w};
  const dnnl::memory::dims dims_w{s.k, s.c, s.kernel, s.kernel};
  const dnnl::memory::dims dims_y{s.n, s.k, s.out_h(), s.out_w()};
  const std::int64_t stride = grid ? 1 : s.stride;
  const Convolution user{dnnl::algorithm::convolution_direct,
                         {dims_x, dt::f32, tag::nhwc},
                         {dims_w, dt::f32, tag::ohwi},
                         {dims_y, dt::f32, tag::nhwc},
                         {stride, stride},
                         {s.padding, s.padding}};
  Convolution wanted = user;
  wanted.w = {dims_w, dt::f32, tag::any};
  const SingleThreadScope scope;
  const Pass pass = of.pass;
  if (of.factors == Factors::kBfloat16) {
    // Two factors in bfloat16, their product in float32; a forward pass has no other combination.
    Convolution forward_pass = wanted;
    forward_pass.x = {dims_x, dt::bf16, tag::nhwc};
    forward_pass.w = {dims_w, dt::bf16, tag::any};
    if (pass != Pass::kBackwardData) wanted.x = forward_pass.x;
    if (pass != Pass::kBackwardWeights) wanted.w = forward_pass.w;
    if (pass != Pass::kForward) wanted.y = {dims_y, dt::bf16, tag::nhwc};
    return make_plan_with(pass, user, wanted, forward_pass);
  }
  if (pass != Pass::kBackwardWeights && prefer_winograd(s)) {
    Convolution blocked = wanted;
    blocked.algorithm = dnnl::algorithm::convolution_winograd;
    blocked.x = {dims_x, dt::f32, tag::any};
    blocked.y = {dims_y, dt::f32, tag::any};
    try {
      return make_plan_with(pass, user, blocked, blocked);
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_unimplemented) throw;
      // This processor or this oneDNN has no Winograd kernel: the direct one computes the same.
    }
  }
  return make_plan_with(pass, user, wanted, wanted);
}

}  // namespace

const Plan& cached_plan(const PassOf& of, const Conv2dShape& shape) {
  static std::mutex mutex;
  static std::map<std::tuple<PassOf, Conv2dShape>, std::unique_ptr<Plan>> plans;
  const std::lock_guard lock(mutex);
  auto& plan = plans[{of, shape}];
  if (!plan) {
    plan = std::make_unique<Plan>(make_plan(of, shape));
    plan->shape = shape;
  }
  return *plan;
}

}  // namespace bptplr::kernels::onednn
