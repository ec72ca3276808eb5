// Convolutions by cuDNN. Every shape is measured once: cuDNN times all of its algorithms on the
// actual arrays, and the fastest that keeps within the workspace is remembered: of the
// deterministic ones, where there are any. Where the choice must not depend on times, cuDNN is
// asked for its guess instead, and only deterministic ones will do.
#include <cudnn.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/cuda/libraries/algorithm_choice.hpp"
#include "kernels/cuda/libraries/libraries.hpp"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/determinism.hpp"

// cuDNN 9 marks the interface of algorithm numbers as old; it is complete and simple, and all that
// is needed here.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace bptplr::kernels {
namespace {

/// Scratch memory that one convolution may have.
constexpr std::size_t kWorkspaceBytes = std::size_t{256} << 20;
constexpr int kMaxAlgorithms = 16;

bool is_out_of_memory(cudnnStatus_t status) {
#if CUDNN_MAJOR >= 9
  if (status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) return true;
#endif
  return status == CUDNN_STATUS_ALLOC_FAILED;
}

void check_cudnn(cudnnStatus_t status, const char* during) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  cudaGetLastError();  // the exception reports it, not the next check
  if (is_out_of_memory(status)) throw OutOfDeviceMemory();
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

/// What cuDNN has for a pass: measures its algorithms, guesses their order, computes.
template <class Find, class Guess, class Convolve>
struct Calls {
  Find find;
  Guess guess;
  Convolve convolve;
};

/// What cuDNN needs to know of a convolution, and the algorithm for each pass.
class Problem {
 public:
  Problem(const Conv2dShape& s, cudnnDataType_t type, bool deterministic)
      : deterministic_(deterministic),
        math_type_(type == CUDNN_DATA_FLOAT ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH) {
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
    const std::lock_guard lock(mutex_);
    switch (pass) {
      case ConvolutionPass::kForward:
        return run_pass(ctx, forward_,
                        Calls{cudnnFindConvolutionForwardAlgorithmEx,
                              cudnnGetConvolutionForwardAlgorithm_v7, cudnnConvolutionForward},
                        x_, a, w_, b, y_, out);
      case ConvolutionPass::kBackwardData:
        // cuDNN takes the weights first.
        return run_pass(
            ctx, backward_data_,
            Calls{cudnnFindConvolutionBackwardDataAlgorithmEx,
                  cudnnGetConvolutionBackwardDataAlgorithm_v7, cudnnConvolutionBackwardData},
            w_, b, y_, a, x_, out);
      case ConvolutionPass::kBackwardWeights:
        return run_pass(
            ctx, backward_weights_,
            Calls{cudnnFindConvolutionBackwardFilterAlgorithmEx,
                  cudnnGetConvolutionBackwardFilterAlgorithm_v7, cudnnConvolutionBackwardFilter},
            x_, a, y_, b, w_, out);
    }
  }

 private:
  static constexpr const char* kSetUp = "when a convolution was set up";

  /// Chooses the algorithm at the first call.
  template <class Performance, class C, class A, class B, class Out>
  void run_pass(const CudaContext& ctx, std::optional<Performance>& choice, const C& calls,
                A a_descriptor, const void* a, B b_descriptor, const void* b, Out out_descriptor,
                void* out) {
    cudnnHandle_t handle = handle_of(ctx);
    const auto convolve = [&](const Performance& p) {
      // cuDNN may call exact arithmetic otherwise, see choose_algorithm(): float32 means float32.
      if (math_type_ != CUDNN_FMA_MATH) set_math_type(p.mathType);
      const float one = 1.0F;
      const float zero = 0.0F;
      void* scratch = ctx.workspace->reserve(std::max<std::size_t>(p.memory, 1));
      return calls.convolve(handle, &one, a_descriptor, a, b_descriptor, b, convolution_, p.algo,
                            scratch, p.memory, &zero, out_descriptor, out);
    };
    if (!choice) {
      std::array<Performance, kMaxAlgorithms> found{};
      int count = 0;
      std::size_t offered = kWorkspaceBytes;
      if (deterministic_) {
        check_cudnn(calls.guess(handle, a_descriptor, b_descriptor, convolution_, out_descriptor,
                                kMaxAlgorithms, &count, found.data()),
                    "when the algorithms of a convolution were listed");
        for (Performance& p : std::span(found).first(static_cast<std::size_t>(count))) {
          // A guess may not run.
          if (p.status == CUDNN_STATUS_SUCCESS && p.memory <= offered) p.status = convolve(p);
        }
      } else {
        with_scratch(ctx, kWorkspaceBytes, [&](void* scratch, std::size_t bytes) {
          offered = bytes;
          check_cudnn(
              calls.find(handle, a_descriptor, a, b_descriptor, b, convolution_, out_descriptor,
                         out, kMaxAlgorithms, &count, found.data(), scratch, bytes),
              "when the algorithms of a convolution were measured");
        });
      }
      choice =
          best_of<Performance>(std::span(found).first(static_cast<std::size_t>(count)), offered);
    }
    check_cudnn(convolve(*choice), "in a convolution");
  }

  /// Float32 means float32: with any other type of arithmetic, cuDNN may round the factors to TF32,
  /// and the search tries others than the one that was set.
  template <class Performance>
  Performance best_of(std::span<const Performance> found, std::size_t scratch_bytes) const {
    std::vector<Algorithm> algorithms;
    for (const Performance& p : found) {
      algorithms.push_back({p.status == CUDNN_STATUS_SUCCESS, p.memory,
                            p.determinism == CUDNN_DETERMINISTIC,
                            math_type_ != CUDNN_FMA_MATH || p.mathType == CUDNN_FMA_MATH});
    }
    const auto best = choose_algorithm(algorithms, scratch_bytes, deterministic_);
    if (best) return found[*best];
    if (scratch_bytes < kWorkspaceBytes) throw OutOfDeviceMemory(kWorkspaceBytes);
    throw CudaError(deterministic_
                        ? "cuDNN has no algorithm for a convolution of this shape that gives the "
                          "same bits each time; train with --deterministic false"
                        : "cuDNN has no algorithm for a convolution of this shape");
  }

  void set_math_type(cudnnMathType_t type) {
    check_cudnn(cudnnSetConvolutionMathType(convolution_, type), kSetUp);
  }

  std::mutex mutex_;
  bool deterministic_;
  cudnnMathType_t math_type_;  ///< that was set

  cudnnTensorDescriptor_t x_ = nullptr;
  cudnnTensorDescriptor_t y_ = nullptr;
  cudnnFilterDescriptor_t w_ = nullptr;
  cudnnConvolutionDescriptor_t convolution_ = nullptr;
  std::optional<cudnnConvolutionFwdAlgoPerf_t> forward_;
  std::optional<cudnnConvolutionBwdDataAlgoPerf_t> backward_data_;
  std::optional<cudnnConvolutionBwdFilterAlgoPerf_t> backward_weights_;
};

/// Each pass has a problem of its own, because the kind of arithmetic is part of the descriptor.
Problem& problem_of(const Conv2dShape& shape, ConvolutionPass pass, cudnnDataType_t type) {
  using Key = std::tuple<Conv2dShape, ConvolutionPass, cudnnDataType_t, bool>;
  static std::mutex mutex;
  // Never destroyed: cuDNN's own statics may end before ours.
  static auto& problems = *new std::map<Key, std::unique_ptr<Problem>>;
  const std::lock_guard lock(mutex);
  const bool deterministic = is_deterministic();
  auto& problem = problems[{shape, pass, type, deterministic}];
  if (problem == nullptr) problem = std::make_unique<Problem>(shape, type, deterministic);
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
