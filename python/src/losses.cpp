// Bindings of PLR on the caller's memory, on the CPU or on a GPU: the owner of the tensors
// allocates, and nothing is copied.
#include <nanobind/stl/optional.h>

#include <bit>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/plr.hpp"
#include "python/src/arrays.hpp"
#include "python/src/bindings.hpp"

namespace bptplr::python {
namespace {

/// Array on any device.
template <class T, int kAxes>
using Array = nb::ndarray<T, nb::ndim<kAxes>, nb::c_contig>;

/// Context of one call on the caller's stream. Its scratch memory is allocated and freed in the
/// order of that stream, so that the call shares nothing with work on other streams.
class StreamCall final : public kernels::Workspace {
 public:
  StreamCall(int device, std::uintptr_t stream) {
    require(kernels::device_count() > 0, "the tensors are on a GPU, but {}; move them with .cpu()",
            kernels::no_device_reason());
    const kernels::CudaContext& shared = cuda_context({DeviceType::kCuda, device});
    turn_.emplace(shared);
    ctx_ = shared;
    ctx_.stream = std::bit_cast<CUstream_st*>(stream);
    ctx_.workspace = this;
  }
  ~StreamCall() override { release(); }

  const kernels::CudaContext& context() const { return ctx_; }

  void* reserve(std::size_t bytes) override {
    release();
    memory_ = kernels::device_allocate(ctx_, bytes);
    require(memory_ != nullptr, "the GPU is out of memory: {:.1f} MiB more are needed",
            static_cast<double>(bytes) / (1 << 20));
    return memory_;
  }

 private:
  void release() {
    if (memory_ != nullptr) kernels::device_release(ctx_, std::exchange(memory_, nullptr));
  }

  std::optional<kernels::DeviceTurn> turn_;  // nor is a graph recorded meanwhile
  kernels::CudaContext ctx_;
  void* memory_ = nullptr;
};

/// Calls fn with the context of the device that `array` is on; `stream` applies to a GPU.
template <class A, class Fn>
void on_device_of(const A& array, std::uintptr_t stream, Fn&& fn) {
  without_gil([&] {
    if (array.device_type() == nb::device::cpu::value) {
      fn(cpu_context());
    } else {
      const StreamCall call(array.device_id(), stream);
      fn(call.context());
    }
  });
}

void class_sets(const Array<const float, 2>& logits, const Array<const std::int64_t, 1>& labels,
                std::int64_t kappa, const Array<std::int64_t, 2>& sets, std::uintptr_t stream) {
  on_device_of(logits, stream, [&](const auto& ctx) {
    kernels::class_sets(ctx, static_cast<std::int64_t>(logits.shape(0)),
                        static_cast<std::int64_t>(logits.shape(1)), kappa, logits.data(),
                        labels.data(), reinterpret_cast<std::uint64_t*>(sets.data()));
  });
}

template <class T>
void plr(const Array<const T, 2>& features, const std::optional<Array<const std::int64_t, 2>>& sets,
         double tau, bool flat, const Array<T, 1>& loss, const Array<T, 2>& gradient,
         std::uintptr_t stream) {
  const kernels::ContrastiveShape shape{static_cast<std::int64_t>(features.shape(0)) / 2,
                                        static_cast<std::int64_t>(features.shape(1)),
                                        sets ? static_cast<std::int64_t>(sets->shape(1)) : 0};
  const auto kind = flat ? kernels::ContrastiveLoss::kFlatPlr : kernels::ContrastiveLoss::kPlr;
  const auto call = [&](const auto& ctx) {
    kernels::contrastive_loss(ctx, kind, shape, tau, features.data(),
                              sets ? reinterpret_cast<const std::uint64_t*>(sets->data()) : nullptr,
                              loss.data(), gradient.data(), nullptr);
  };
  if constexpr (std::is_same_v<T, float>) {
    on_device_of(features, stream, call);
  } else {
    require(features.device_type() == nb::device::cpu::value,
            "on a GPU the features must be float32");
    without_gil([&] { call(cpu_context()); });
  }
}

}  // namespace

void bind_losses(nb::module_& module) {
  module.attr("MAX_SET_CLASSES") = kernels::kMaxSetClasses;
  module.def("class_sets", &class_sets, nb::arg("logits"), nb::arg("labels"), nb::arg("kappa"),
             nb::arg("sets"), nb::arg("stream"),
             "Writes the class sets [n, words] of logits [n, C] and labels [n].");
  const auto def_plr = [&](auto function) {
    module.def("plr", function, nb::arg("features"), nb::arg("sets").none(), nb::arg("tau"),
               nb::arg("flat"), nb::arg("loss"), nb::arg("gradient"), nb::arg("stream"),
               "Writes loss [1] and gradient [2n, dim] of features [2n, dim].");
  };
  def_plr(&plr<float>);
  def_plr(&plr<double>);
}

}  // namespace bptplr::python
