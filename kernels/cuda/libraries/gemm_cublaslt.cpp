// Matrix products by cuBLASLt. Every shape is measured once: the library's best guesses are timed
// on the actual arrays and the fastest is remembered, for arrays that are aligned as well as these.
// Where the choice must not depend on times, it is the first guess that does not split the depth.
#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <tuple>

#include "kernels/cuda/libraries/libraries.hpp"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/cuda/runtime/timer.hpp"
#include "kernels/determinism.hpp"

namespace bptplr::kernels {
namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;
constexpr int kCandidates = 8;
constexpr int kTimedRuns = 3;

void check_cublas(cublasStatus_t status, const char* during) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  cudaGetLastError();  // the exception reports it, not the next check
  if (status == CUBLAS_STATUS_ALLOC_FAILED) throw OutOfDeviceMemory();
  throw CudaError(std::string("cuBLASLt failed (") + cublasLtGetStatusString(status) + ") " +
                  during);
}

cublasLtHandle_t handle() {
  static cublasLtHandle_t instance = [] {
    cublasLtHandle_t made = nullptr;
    check_cublas(cublasLtCreate(&made), "when it was started");
    return made;
  }();
  return instance;
}

/// The largest power of two, up to cuBLASLt's own default of 256, by which all addresses divide.
/// Its algorithms may read vectors that less aligned arrays do not allow.
std::uint32_t alignment_of(const float* a, const float* b, const float* c) {
  std::uintptr_t bits = 256;
  for (const float* array : {a, b, c}) bits |= reinterpret_cast<std::uintptr_t>(array);
  return static_cast<std::uint32_t>(bits & -bits);
}

/// One shape of product. cuBLASLt thinks in columns: a row-major [r, c] matrix is its column-major
/// [c, r], so c = op(a) op(b) becomes c^T = op(b)^T op(a)^T with the factors exchanged.
class Product {
 public:
  /// Of arrays that are aligned to `alignment` bytes or better.
  Product(const GemmShape& s, bool with_bias, std::uint32_t alignment, bool deterministic)
      : alignment_(alignment), deterministic_(deterministic) {
    check_cublas(cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F), kSetUp);
    const cublasOperation_t first = s.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t second = s.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    set(CUBLASLT_MATMUL_DESC_TRANSA, first);
    set(CUBLASLT_MATMUL_DESC_TRANSB, second);
    if (with_bias) set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    first_ = layout(s.transpose_b ? s.k : s.n, s.transpose_b ? s.n : s.k);
    second_ = layout(s.transpose_a ? s.m : s.k, s.transpose_a ? s.k : s.m);
    result_ = layout(s.n, s.m);
  }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;
  ~Product() {
    cublasLtMatrixLayoutDestroy(result_);
    cublasLtMatrixLayoutDestroy(second_);
    cublasLtMatrixLayoutDestroy(first_);
    cublasLtMatmulDescDestroy(operation_);
  }

  void run(const CudaContext& ctx, const float* a, const float* b, const float* bias, float* c) {
    if (bias != nullptr) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    if (!known_) choose(ctx, a, b, c);
    run_with(ctx, algorithm_, a, b, c);
  }

 private:
  static constexpr const char* kSetUp = "when a matrix product was set up";

  template <class Value>
  void set(cublasLtMatmulDescAttributes_t attribute, const Value& value) {
    check_cublas(cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof(value)),
                 kSetUp);
  }

  static cublasLtMatrixLayout_t layout(std::int64_t rows, std::int64_t columns) {
    cublasLtMatrixLayout_t made = nullptr;
    check_cublas(cublasLtMatrixLayoutCreate(&made, CUDA_R_32F, static_cast<std::uint64_t>(rows),
                                            static_cast<std::uint64_t>(columns), rows),
                 kSetUp);
    return made;
  }

  cublasStatus_t try_with(const CudaContext& ctx, const cublasLtMatmulAlgo_t& algorithm,
                          const float* a, const float* b, float* c) {
    const float one = 1.0F;
    const float zero = 0.0F;
    return cublasLtMatmul(handle(), operation_, &one, b, first_, a, second_, &zero, c, result_, c,
                          result_, &algorithm, ctx.workspace->reserve(kWorkspaceBytes),
                          kWorkspaceBytes, stream_of(ctx));
  }

  void run_with(const CudaContext& ctx, const cublasLtMatmulAlgo_t& algorithm, const float* a,
                const float* b, float* c) {
    check_cublas(try_with(ctx, algorithm, a, b, c), "in a matrix product");
  }

  void choose(const CudaContext& ctx, const float* a, const float* b, float* c) {
    cublasLtMatmulPreference_t preference = nullptr;
    check_cublas(cublasLtMatmulPreferenceCreate(&preference), kSetUp);
    const std::unique_ptr<cublasLtMatmulPreferenceOpaque_t,
                          decltype(&cublasLtMatmulPreferenceDestroy)>
        owner(preference, cublasLtMatmulPreferenceDestroy);
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      check_cublas(
          cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value)),
          kSetUp);
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspaceBytes);
    for (const auto array :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
      prefer(array, alignment_);
    }
    if (deterministic_) {
      prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
             std::uint32_t{CUBLASLT_REDUCTION_SCHEME_NONE});
    }
    std::array<cublasLtMatmulHeuristicResult_t, kCandidates> candidates{};
    int count = 0;
    check_cublas(
        cublasLtMatmulAlgoGetHeuristic(handle(), operation_, first_, second_, result_, result_,
                                       preference, kCandidates, candidates.data(), &count),
        "when the algorithms of a matrix product were listed");
    pick(ctx, std::span(candidates).first(static_cast<std::size_t>(count)), a, b, c);
    if (!known_) throw CudaError("cuBLASLt has no algorithm for a matrix product of this shape");
  }

  void pick(const CudaContext& ctx, std::span<const cublasLtMatmulHeuristicResult_t> candidates,
            const float* a, const float* b, float* c) {
    Timer timer(stream_of(ctx));
    float best = std::numeric_limits<float>::infinity();
    for (const auto& candidate : candidates) {
      const auto& algorithm = candidate.algo;
      if (try_with(ctx, algorithm, a, b, c) != CUBLAS_STATUS_SUCCESS) continue;
      if (deterministic_) {
        algorithm_ = algorithm;
        known_ = true;
        return;
      }
      const float passed = timer.milliseconds([&] {
        for (int run = 0; run < kTimedRuns; ++run) run_with(ctx, algorithm, a, b, c);
      });
      if (passed >= best) continue;
      best = passed;
      algorithm_ = algorithm;
      known_ = true;
    }
  }

  std::uint32_t alignment_;
  bool deterministic_;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t first_ = nullptr;
  cublasLtMatrixLayout_t second_ = nullptr;
  cublasLtMatrixLayout_t result_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
  bool known_ = false;
};

}  // namespace

void gemm(const CudaContext& ctx, const GemmShape& shape, const float* a, const float* b,
          const float* bias, float* c) {
  static std::mutex mutex;
  // Never destroyed: cuBLASLt's own statics may end before ours.
  using Key = std::tuple<GemmShape, bool, std::uint32_t, bool>;
  static auto& products = *new std::map<Key, std::unique_ptr<Product>>;
  const std::lock_guard lock(mutex);
  const Key key{shape, bias != nullptr, alignment_of(a, b, c), is_deterministic()};
  auto& product = products[key];
  if (product == nullptr) {
    product =
        std::make_unique<Product>(shape, std::get<1>(key), std::get<2>(key), std::get<3>(key));
  }
  product->run(ctx, a, b, bias, c);
}

}  // namespace bptplr::kernels
