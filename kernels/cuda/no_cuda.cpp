// A build without CUDA: there is no device, so no tensor is ever on one, and what takes a
// CudaContext is never called. The linker still asks for it.
#include <stdexcept>

#include "kernels/augment.hpp"
#include "kernels/batch_norm.hpp"
#include "kernels/bias.hpp"
#include "kernels/conv2d_batch_norm.hpp"
#include "kernels/device_graph.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/dropout.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gather.hpp"
#include "kernels/gmm.hpp"
#include "kernels/l2_normalize.hpp"
#include "kernels/linear.hpp"
#include "kernels/losses.hpp"
#include "kernels/mixup.hpp"
#include "kernels/partition.hpp"
#include "kernels/plr.hpp"
#include "kernels/pool.hpp"
#include "kernels/prototypes.hpp"
#include "kernels/ranges.hpp"
#include "kernels/sample_losses.hpp"
#include "kernels/sgd.hpp"
#include "kernels/softmax.hpp"
#include "kernels/stream_clock.hpp"
#include "kernels/targets.hpp"

namespace bptplr::kernels {
namespace {

[[noreturn]] void not_in_this_build() {
  throw std::logic_error("a kernel for GPUs was called in a build without CUDA");
}

}  // namespace

// device_memory
int device_count() {
  return 0;
}
std::string device_description(int) {
  not_in_this_build();
}
std::string no_device_reason() {
  return "this bptplr was built without CUDA";
}
const CudaContext& device_context(int) {
  not_in_this_build();
}
void* device_allocate(const CudaContext&, std::size_t) {
  not_in_this_build();
}
void device_release(const CudaContext&, void*) {
  not_in_this_build();
}
DeviceMemoryUse device_memory_use(const CudaContext&) {
  not_in_this_build();
}
void device_memory_reset_peak(const CudaContext&) {
  not_in_this_build();
}
void copy_to_device(const CudaContext&, void*, const void*, std::size_t) {
  not_in_this_build();
}
void copy_to_host(const CudaContext&, void*, const void*, std::size_t) {
  not_in_this_build();
}
std::unique_ptr<DelayedCopy> copy_to_host_later(const CudaContext&, const void*, std::size_t) {
  not_in_this_build();
}
void copy_on_device(const CudaContext&, void*, const void*, std::size_t) {
  not_in_this_build();
}
void set_to_zero(const CudaContext&, void*, std::size_t) {
  not_in_this_build();
}
void synchronize(const CudaContext&) {
  not_in_this_build();
}

// device_graph
std::unique_ptr<DeviceGraph> make_graph(const CudaContext&) {
  not_in_this_build();
}

// stream_clock
std::unique_ptr<StreamClock> make_stream_clock(const CudaContext&) {
  not_in_this_build();
}

// ranges
void push_range(const char*) {}
void pop_range() {}

AugmentProgram prepare(const AugmentPlan&, int, int) {
  not_in_this_build();
}
std::vector<SgdChunk> sgd_chunks(std::span<const std::int64_t>) {
  not_in_this_build();
}

// augment
template <>
void augment_batch(const CudaContext&, const AugmentShape&, const std::uint8_t*,
                   const std::int64_t*, const AugmentProgram*, const float*, const float*, float*) {
  not_in_this_build();
}
template <>
void augment_batch(const CudaContext&, const AugmentShape&, const std::uint8_t*,
                   const std::int64_t*, const AugmentProgram*, const float*, const float*,
                   bfloat16*) {
  not_in_this_build();
}
void augment_batch(const CudaContext&, const AugmentShape&, const std::uint8_t*,
                   const std::int64_t*, const AugmentProgram*, std::uint8_t*) {
  not_in_this_build();
}

// batch_norm
template <>
void batch_norm_statistics(const CudaContext&, const BatchNormShape&, const float*, float*,
                           float*) {
  not_in_this_build();
}
template <>
void batch_norm_statistics(const CudaContext&, const BatchNormShape&, const bfloat16*, float*,
                           float*) {
  not_in_this_build();
}
template <>
void batch_norm_add_statistics(const CudaContext&, const BatchNormShape&, const float*,
                               const float*, float*, float*, float*) {
  not_in_this_build();
}
template <>
void batch_norm_add_statistics(const CudaContext&, const BatchNormShape&, const bfloat16*,
                               const bfloat16*, bfloat16*, float*, float*) {
  not_in_this_build();
}
void batch_norm_update_running(const CudaContext&, const BatchNormShape&, const float*,
                               const float*, float, float*, float*) {
  not_in_this_build();
}
template <>
void batch_norm_normalize(const CudaContext&, const BatchNormShape&, const float*, const float*,
                          const float*, const float*, const float*, float, float*) {
  not_in_this_build();
}
template <>
void batch_norm_normalize(const CudaContext&, const BatchNormShape&, const bfloat16*, const float*,
                          const float*, const float*, const float*, float, bfloat16*) {
  not_in_this_build();
}
template <>
void batch_norm_backward(const CudaContext&, const BatchNormShape&, bool, const float*,
                         const float*, const float*, const float*, const float*, const float*,
                         const float*, float, float*, float*, float*) {
  not_in_this_build();
}
template <>
void batch_norm_backward(const CudaContext&, const BatchNormShape&, bool, const bfloat16*,
                         const bfloat16*, const bfloat16*, const float*, const float*, const float*,
                         const float*, float, bfloat16*, float*, float*) {
  not_in_this_build();
}

// bias
template <>
void add_bias(const CudaContext&, std::int64_t, std::int64_t, const float*, float*) {
  not_in_this_build();
}
template <>
void add_bias(const CudaContext&, std::int64_t, std::int64_t, const float*, bfloat16*) {
  not_in_this_build();
}
template <>
void bias_gradient(const CudaContext&, std::int64_t, std::int64_t, const float*, float*) {
  not_in_this_build();
}
template <>
void bias_gradient(const CudaContext&, std::int64_t, std::int64_t, const bfloat16*, float*) {
  not_in_this_build();
}

// conv2d
template <>
void conv2d_forward(const CudaContext&, const Conv2dShape&, const float*, const float*, float*) {
  not_in_this_build();
}
template <>
void conv2d_forward(const CudaContext&, const Conv2dShape&, const bfloat16*, const bfloat16*,
                    bfloat16*) {
  not_in_this_build();
}
template <>
void conv2d_backward_data(const CudaContext&, const Conv2dShape&, const float*, const float*,
                          float*) {
  not_in_this_build();
}
template <>
void conv2d_backward_data(const CudaContext&, const Conv2dShape&, const bfloat16*, const bfloat16*,
                          bfloat16*) {
  not_in_this_build();
}
template <>
void conv2d_backward_weights(const CudaContext&, const Conv2dShape&, const float*, const float*,
                             float*, float*) {
  not_in_this_build();
}
template <>
void conv2d_backward_weights(const CudaContext&, const Conv2dShape&, const bfloat16*,
                             const bfloat16*, float*, bfloat16*) {
  not_in_this_build();
}

// conv2d_batch_norm
template <>
void conv2d_statistics(const CudaContext&, const Conv2dShape&, std::int64_t, const float*,
                       const float*, const float*, float*, float*, float*) {
  not_in_this_build();
}
template <>
void conv2d_statistics(const CudaContext&, const Conv2dShape&, std::int64_t, const bfloat16*,
                       const bfloat16*, const bfloat16*, bfloat16*, float*, float*) {
  not_in_this_build();
}
template <>
void conv2d_normalized(const CudaContext&, const Conv2dShape&, const float*, const float*,
                       const float*, const FixedBatchNorm<float>&, float*, float*) {
  not_in_this_build();
}
template <>
void conv2d_normalized(const CudaContext&, const Conv2dShape&, const bfloat16*, const bfloat16*,
                       const bfloat16*, const FixedBatchNorm<float>&, bfloat16*, bfloat16*) {
  not_in_this_build();
}

// dropout
template <>
void dropout(const CudaContext&, const DropoutShape&, const PhiloxStream&, const float*, float*) {
  not_in_this_build();
}
template <>
void dropout(const CudaContext&, const DropoutShape&, const PhiloxStream&, const bfloat16*,
             bfloat16*) {
  not_in_this_build();
}

// elementwise
template <>
void relu_forward(const CudaContext&, const float*, float*, std::int64_t) {
  not_in_this_build();
}
template <>
void relu_forward(const CudaContext&, const bfloat16*, bfloat16*, std::int64_t) {
  not_in_this_build();
}
template <>
void relu_backward(const CudaContext&, const float*, const float*, float*, std::int64_t) {
  not_in_this_build();
}
template <>
void relu_backward(const CudaContext&, const bfloat16*, const bfloat16*, bfloat16*, std::int64_t) {
  not_in_this_build();
}
template <>
void leaky_relu_forward(const CudaContext&, float, const float*, float*, std::int64_t) {
  not_in_this_build();
}
template <>
void leaky_relu_forward(const CudaContext&, float, const bfloat16*, bfloat16*, std::int64_t) {
  not_in_this_build();
}
template <>
void leaky_relu_backward(const CudaContext&, float, const float*, const float*, float*,
                         std::int64_t) {
  not_in_this_build();
}
template <>
void leaky_relu_backward(const CudaContext&, float, const bfloat16*, const bfloat16*, bfloat16*,
                         std::int64_t) {
  not_in_this_build();
}
template <>
void add(const CudaContext&, const float*, const float*, float*, std::int64_t) {
  not_in_this_build();
}
template <>
void add(const CudaContext&, const bfloat16*, const bfloat16*, bfloat16*, std::int64_t) {
  not_in_this_build();
}
template <>
void multiply(const CudaContext&, const float*, const float*, float*, std::int64_t) {
  not_in_this_build();
}
template <>
void multiply(const CudaContext&, const bfloat16*, const bfloat16*, bfloat16*, std::int64_t) {
  not_in_this_build();
}
template <>
void scale(const CudaContext&, float, const float*, float*, std::int64_t) {
  not_in_this_build();
}
template <>
void scale(const CudaContext&, float, const bfloat16*, bfloat16*, std::int64_t) {
  not_in_this_build();
}
void scale_by(const CudaContext&, const float*, const float*, float*, std::int64_t) {
  not_in_this_build();
}
void sum(const CudaContext&, const float*, float*, std::int64_t) {
  not_in_this_build();
}
void convert(const CudaContext&, const float*, bfloat16*, std::int64_t) {
  not_in_this_build();
}
void convert(const CudaContext&, const bfloat16*, float*, std::int64_t) {
  not_in_this_build();
}
template <>
void fill(const CudaContext&, float, float*, std::int64_t) {
  not_in_this_build();
}
template <>
void fill(const CudaContext&, std::int64_t, std::int64_t*, std::int64_t) {
  not_in_this_build();
}
template <>
void fill(const CudaContext&, std::uint8_t, std::uint8_t*, std::int64_t) {
  not_in_this_build();
}

// gather
template <>
void gather_rows(const CudaContext&, std::int64_t, std::int64_t, const float*, const std::int64_t*,
                 float*) {
  not_in_this_build();
}

// gmm
void gmm_fit(const CudaContext&, const GmmOptions&, std::int64_t, const std::int64_t*, const float*,
             const double*, GmmResult*, double*, double*) {
  not_in_this_build();
}
void gmm_fit_from_labels(const CudaContext&, const GmmOptions&, std::int64_t, const std::int64_t*,
                         const float*, const std::uint8_t*, GmmResult*, double*, double*) {
  not_in_this_build();
}
void kmeans_labels(const CudaContext&, std::int64_t, const std::int64_t*, const float*,
                   const double*, std::uint8_t*) {
  not_in_this_build();
}

// l2_normalize
void l2_normalize_forward(const CudaContext&, const float*, float*, float*, std::int64_t,
                          std::int64_t) {
  not_in_this_build();
}
void l2_normalize_backward(const CudaContext&, const float*, const float*, const float*, float*,
                           std::int64_t, std::int64_t) {
  not_in_this_build();
}

// linear
void linear_forward(const CudaContext&, const LinearShape&, const float*, const float*,
                    const float*, float*) {
  not_in_this_build();
}
void linear_backward_data(const CudaContext&, const LinearShape&, const float*, const float*,
                          float*) {
  not_in_this_build();
}
void linear_backward_weights(const CudaContext&, const LinearShape&, const float*, const float*,
                             float*, float*) {
  not_in_this_build();
}

// losses
void semi_supervised_loss(const CudaContext&, const SemiSupervisedShape&,
                          const SemiSupervisedCoefficients*, const float*, const float*, float*,
                          float*, float*) {
  not_in_this_build();
}
void negative_entropy(const CudaContext&, std::int64_t, std::int64_t, const float*, float*,
                      float*) {
  not_in_this_build();
}
void generalized_cross_entropy(const CudaContext&, std::int64_t, std::int64_t, double, const float*,
                               const std::int64_t*, float*, float*) {
  not_in_this_build();
}

// mixup
template <>
void mixup(const CudaContext&, std::int64_t, std::int64_t, const double*, const float*,
           const std::int64_t*, float*) {
  not_in_this_build();
}
template <>
void mixup(const CudaContext&, std::int64_t, std::int64_t, const double*, const bfloat16*,
           const std::int64_t*, bfloat16*) {
  not_in_this_build();
}

// partition
PartitionSizes balanced_partition(const CudaContext&, std::int64_t, std::int64_t, double,
                                  const double*, const std::int64_t*, std::int64_t*) {
  not_in_this_build();
}

// plr
void class_sets(const CudaContext&, std::int64_t, std::int64_t, std::int64_t, const float*,
                const std::int64_t*, std::uint64_t*) {
  not_in_this_build();
}
void contrastive_loss(const CudaContext&, ContrastiveLoss, const ContrastiveShape&, double,
                      const float*, const std::uint64_t*, float*, float*, std::int64_t*) {
  not_in_this_build();
}

// pool
template <>
void avg_pool_forward(const CudaContext&, const PoolShape&, const float*, float*) {
  not_in_this_build();
}
template <>
void avg_pool_forward(const CudaContext&, const PoolShape&, const bfloat16*, bfloat16*) {
  not_in_this_build();
}
template <>
void avg_pool_backward(const CudaContext&, const PoolShape&, const float*, float*) {
  not_in_this_build();
}
template <>
void avg_pool_backward(const CudaContext&, const PoolShape&, const bfloat16*, bfloat16*) {
  not_in_this_build();
}
template <>
void global_avg_pool_forward(const CudaContext&, std::int64_t, std::int64_t, std::int64_t,
                             const float*, float*) {
  not_in_this_build();
}
template <>
void global_avg_pool_forward(const CudaContext&, std::int64_t, std::int64_t, std::int64_t,
                             const bfloat16*, float*) {
  not_in_this_build();
}
template <>
void global_avg_pool_backward(const CudaContext&, std::int64_t, std::int64_t, std::int64_t,
                              const float*, float*) {
  not_in_this_build();
}
template <>
void global_avg_pool_backward(const CudaContext&, std::int64_t, std::int64_t, std::int64_t,
                              const float*, bfloat16*) {
  not_in_this_build();
}
template <>
void max_pool_forward(const CudaContext&, const PoolShape&, const float*, float*, std::uint8_t*) {
  not_in_this_build();
}
template <>
void max_pool_forward(const CudaContext&, const PoolShape&, const bfloat16*, bfloat16*,
                      std::uint8_t*) {
  not_in_this_build();
}
template <>
void max_pool_backward(const CudaContext&, const PoolShape&, const float*, const std::uint8_t*,
                       float*) {
  not_in_this_build();
}
template <>
void max_pool_backward(const CudaContext&, const PoolShape&, const bfloat16*, const std::uint8_t*,
                       bfloat16*) {
  not_in_this_build();
}

// prototypes
void class_means(const CudaContext&, const PrototypeShape&, const float*, const std::int64_t*,
                 float*, std::int64_t*) {
  not_in_this_build();
}
void update_prototypes(const CudaContext&, const PrototypeShape&, double, const float*,
                       const std::int64_t*, float*, std::int64_t*) {
  not_in_this_build();
}

// sample_losses
void sample_cross_entropy(const CudaContext&, std::int64_t, std::int64_t, const float*,
                          const std::int64_t*, float*) {
  not_in_this_build();
}
void min_max_normalize(const CudaContext&, std::int64_t, const float*, float*) {
  not_in_this_build();
}
void interleave(const CudaContext&, std::int64_t, const float*, const float*, float*) {
  not_in_this_build();
}
void sample_jensen_shannon(const CudaContext&, std::int64_t, std::int64_t, const float*,
                           const float*, const std::int64_t*, double, float*) {
  not_in_this_build();
}
void pseudo_labels(const CudaContext&, std::int64_t, std::int64_t, double, const float*,
                   const float*, std::int64_t*) {
  not_in_this_build();
}

// sgd
void sgd_step(const CudaContext&, const double*, float, float, const SgdTensor*, std::int64_t,
              const SgdChunk*, const std::int64_t*) {
  not_in_this_build();
}
void find_nonfinite(const CudaContext&, const SgdTensor*, std::int64_t, const SgdChunk*,
                    std::int64_t*) {
  not_in_this_build();
}

// softmax
void softmax(const CudaContext&, const float*, float*, std::int64_t, std::int64_t) {
  not_in_this_build();
}
void log_softmax_forward(const CudaContext&, const float*, float*, std::int64_t, std::int64_t) {
  not_in_this_build();
}
void log_softmax_backward(const CudaContext&, const float*, const float*, float*, std::int64_t,
                          std::int64_t) {
  not_in_this_build();
}
void soft_cross_entropy(const CudaContext&, const float*, const float*, std::int64_t, std::int64_t,
                        float*, float*) {
  not_in_this_build();
}

// targets
void sharpen(const CudaContext&, std::int64_t, std::int64_t, double, const float*, float*) {
  not_in_this_build();
}
void co_guess(const CudaContext&, std::int64_t, std::int64_t, double, const float*, const float*,
              const float*, const float*, float*, float*) {
  not_in_this_build();
}
void co_refine(const CudaContext&, std::int64_t, std::int64_t, double, const float*, const float*,
               const std::int64_t*, const float*, float*, float*) {
  not_in_this_build();
}

}  // namespace bptplr::kernels
