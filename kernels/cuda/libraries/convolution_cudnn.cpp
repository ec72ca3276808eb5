// Convolutions by cuDNN. Every shape is measured once: cuDNN times all of its algorithms on the
// actual arrays, and the fastest that keeps within the workspace is remembered: of the
// deterministic ones, where there are any.
#include <cudnn.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <tuple>

#include "kernels/cuda/libraries/libraries.hpp"
#include "kernels/cuda/runtime/launch.hpp"

// cuDNN 9 marks the interface of algorithm numbers as old; it is complete and simple, and all that
// is needed here.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace bptplr::kernels {
namespace {

/// Scratch memory that one convolution may have.
constexpr std::size_t kWorkspaceBytes = std::size_t{256} << 20;
constexpr int kMaxAlgorithms = 16;

void check_cudnn(cudnnStatus_t status, const char* during) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw CudaError(std::string("cuDNN failed (") + cudnnGetErrorString(status) + ") " + during);
}

/// One handle a stream, for the life of the process.
cudnnHandle_t handle_of(const CudaContext& ctx) {
  static std::mutex mutex;
  static std::map<CUstream_st*, cudnnHandle_t> handles;
  const std::lock_guard lock(mutex);
  cudnnHandle_t& handle = handles[ctx.stream];
  if (handle == nullptr) {
    check_cudnn(cudnnCreate(&handle), "when it was started");
    check_cudnn(cudnnSetStream(handle, stream_of(ctx)), "when it was given a stream");
  }
  return handle;
}

template <class T>
constexpr cudnnDataType_t kCudnnType = CUDNN_DATA_FLOAT;
template <>
constexpr cudnnDataType_t kCudnnType<bfloat16> = CUDNN_DATA_BFLOAT16;

/// What cuDNN needs to know of a convolution, and the algorithm for each pass.
class Problem {
 public:
  Problem(const Conv2dShape& s, cudnnDataType_t type)
      : math_type_(type == CUDNN_DATA_FLOAT ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH) {
    const auto narrow = [](std::int64_t value) { return static_cast<int>(value); };
    check_cudnn(cudnnCreateTensorDescriptor(&x_), kSetUp);
    check_cudnn(cudnnCreateTensorDescriptor(&y_), kSetUp);
    check_cudnn(cudnnCreateFilterDescriptor(&w_), kSetUp);
    check_cudnn(cudnnCreateConvolutionDescriptor(&convolution_), kSetUp);
    check_cudnn(cudnnSetTensor4dDescriptor(x_, CUDNN_TENSOR_NHWC, type, narrow(s.n), narrow(s.c),
                                           narrow(s.h), narrow(s.w)),
                kSetUp);
    check_cudnn(cudnnSetTensor4dDescriptor(y_, CUDNN_TENSOR_NHWC, type, narrow(s.n), narrow(s.k),
                                           narrow(s.out_h()), narrow(s.out_w())),
                kSetUp);
    check_cudnn(cudnnSetFilter4dDescriptor(w_, type, CUDNN_TENSOR_NHWC, narrow(s.k), narrow(s.c),
                                           narrow(s.kernel), narrow(s.kernel)),
                kSetUp);
    const int padding = narrow(s.padding);
    const int stride = narrow(s.stride);
    check_cudnn(cudnnSetConvolution2dDescriptor(convolution_, padding, padding, stride, stride, 1,
                                                1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
                kSetUp);
    set_math_type(math_type_);
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;
  ~Problem() {
    cudnnDestroyConvolutionDescriptor(convolution_);
    cudnnDestroyFilterDescriptor(w_);
    cudnnDestroyTensorDescriptor(y_);
    cudnnDestroyTensorDescriptor(x_);
  }

  void run(const CudaContext& ctx, ConvolutionPass pass, const void* a, const void* b, void* out) {
    switch (pass) {
      case ConvolutionPass::kForward:
        return run_pass(ctx, forward_, cudnnFindConvolutionForwardAlgorithmEx,
                        cudnnConvolutionForward, x_, a, w_, b, y_, out);
      case ConvolutionPass::kBackwardData:
        // cuDNN takes the weights first.
        return run_pass(ctx, backward_data_, cudnnFindConvolutionBackwardDataAlgorithmEx,
                        cudnnConvolutionBackwardData, w_, b, y_, a, x_, out);
      case ConvolutionPass::kBackwardWeights:
        return run_pass(ctx, backward_weights_, cudnnFindConvolutionBackwardFilterAlgorithmEx,
                        cudnnConvolutionBackwardFilter, x_, a, y_, b, w_, out);
    }
  }

 private:
  static constexpr const char* kSetUp = "when a convolution was set up";

  /// The chosen algorithm, once it is known.
  template <class Performance>
  struct Choice {
    bool known = false;
    Performance performance{};
  };

  template <class Performance, class Find, class Convolve, class A, class B, class C>
  void run_pass(const CudaContext& ctx, Choice<Performance>& choice, Find find, Convolve convolve,
                A a_descriptor, const void* a, B b_descriptor, const void* b, C out_descriptor,
                void* out) {
    cudnnHandle_t handle = handle_of(ctx);
    if (!choice.known) {
      std::array<Performance, kMaxAlgorithms> found{};
      int count = 0;
      check_cudnn(find(handle, a_descriptor, a, b_descriptor, b, convolution_, out_descriptor, out,
                       kMaxAlgorithms, &count, found.data(),
                       ctx.workspace->reserve(kWorkspaceBytes), kWorkspaceBytes),
                  "when the algorithms of a convolution were measured");
      const auto usable = [&](const Performance& p) { return is_usable(p); };
      const std::span candidates(found.data(), static_cast<std::size_t>(count));
      auto best = std::ranges::find_if(candidates, [&](const Performance& p) {
        return usable(p) && p.determinism == CUDNN_DETERMINISTIC;
      });
      // Sums in another order each time are better than no training.
      if (best == candidates.end()) best = std::ranges::find_if(candidates, usable);
      if (best == candidates.end()) {
        throw CudaError("cuDNN has no algorithm for a convolution of this shape");
      }
      choice = {true, *best};
      set_math_type(best->mathType);
    }
    const float one = 1.0F;
    const float zero = 0.0F;
    void* scratch = ctx.workspace->reserve(std::max<std::size_t>(choice.performance.memory, 1));
    check_cudnn(convolve(handle, &one, a_descriptor, a, b_descriptor, b, convolution_,
                         choice.performance.algo, scratch, choice.performance.memory, &zero,
                         out_descriptor, out),
                "in a convolution");
  }

  void set_math_type(cudnnMathType_t type) {
    check_cudnn(cudnnSetConvolutionMathType(convolution_, type), kSetUp);
  }

  /// Float32 means float32: with any other type of arithmetic, cuDNN may round the factors to TF32,
  /// and the search tries others than the one that was set.
  template <class Performance>
  bool is_usable(const Performance& p) const {
    return p.status == CUDNN_STATUS_SUCCESS && p.memory <= kWorkspaceBytes &&
           (math_type_ != CUDNN_FMA_MATH || p.mathType == CUDNN_FMA_MATH);
  }

  cudnnMathType_t math_type_;  ///< that was set

  cudnnTensorDescriptor_t x_ = nullptr;
  cudnnTensorDescriptor_t y_ = nullptr;
  cudnnFilterDescriptor_t w_ = nullptr;
  cudnnConvolutionDescriptor_t convolution_ = nullptr;
  Choice<cudnnConvolutionFwdAlgoPerf_t> forward_;
  Choice<cudnnConvolutionBwdDataAlgoPerf_t> backward_data_;
  Choice<cudnnConvolutionBwdFilterAlgoPerf_t> backward_weights_;
};

/// Each pass has a problem of its own, because the kind of arithmetic is part of the descriptor.
Problem& problem_of(const Conv2dShape& shape, ConvolutionPass pass, cudnnDataType_t type) {
  using Key = std::tuple<Conv2dShape, ConvolutionPass, cudnnDataType_t>;
  static std::mutex mutex;
  // Never destroyed: cuDNN's own statics may end before ours.
  static auto& problems = *new std::map<Key, std::unique_ptr<Problem>>;
  const std::lock_guard lock(mutex);
  auto& problem = problems[{shape, pass, type}];
  if (problem == nullptr) problem = std::make_unique<Problem>(shape, type);
  return *problem;
}

}  // namespace

template <class T>
void convolution(const CudaContext& ctx, ConvolutionPass pass, const Conv2dShape& shape, const T* a,
                 const T* b, T* out) {
  problem_of(shape, pass, kCudnnType<T>).run(ctx, pass, a, b, out);
}

template void convolution(const CudaContext&, ConvolutionPass, const Conv2dShape&, const float*,
                          const float*, float*);
template void convolution(const CudaContext&, ConvolutionPass, const Conv2dShape&, const bfloat16*,
                          const bfloat16*, bfloat16*);

}  // namespace bptplr::kernels
