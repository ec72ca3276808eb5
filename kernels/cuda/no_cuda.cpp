// A build without CUDA: there is no device, so no tensor is ever on one, and what takes a
// CudaContext is never called. The linker still asks for it: a kernel that is missing here is an
// undefined symbol of the build without CUDA.
#include <stdexcept>

#include "kernels/adaptive_pool.hpp"
#include "kernels/augment.hpp"
#include "kernels/batch_norm.hpp"
#include "kernels/bias.hpp"
#include "kernels/collectives.hpp"
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
#include "kernels/vector_views.hpp"

namespace bptplr::kernels {
namespace {

[[noreturn]] void not_in_this_build() {
  throw std::logic_error("a kernel for GPUs was called in a build without CUDA");
}

}  // namespace

/// Defines a function that nobody calls.
#define ABSENT(...)      \
  __VA_ARGS__ {          \
    not_in_this_build(); \
  }
/// Instantiates a kernel for a type that it has on a GPU.
#define FOR_TYPE(kernel, ...) \
  template decltype(kernel<CudaContext, __VA_ARGS__>) kernel<CudaContext, __VA_ARGS__>
/// Defines a kernel, given what it takes behind the context: one without a type T, one for T =
/// float, one for T = float and bfloat16.
#define KERNEL(name, ...)                                                 \
  ABSENT(template <class Context> void name(const Context&, __VA_ARGS__)) \
  template decltype(name<CudaContext>) name<CudaContext>
#define FLOAT(name, ...)                                                           \
  ABSENT(template <class Context, class T> void name(const Context&, __VA_ARGS__)) \
  FOR_TYPE(name, float)
#define ACTIVATION(name, ...) \
  FLOAT(name, __VA_ARGS__);   \
  FOR_TYPE(name, bfloat16)

// device_memory, device_graph, stream_clock, ranges
int device_count() {
  return 0;
}
std::string no_device_reason() {
  return "this bptplr was built without CUDA";
}
void push_range(const char*) {}
void pop_range() {}
ABSENT(std::string device_description(int));
ABSENT(const CudaContext& device_context(int));
ABSENT(DeviceTurn::DeviceTurn(const CudaContext&));
ABSENT(void* device_allocate(const CudaContext&, std::size_t));
ABSENT(void device_release(const CudaContext&, void*));
ABSENT(DeviceMemoryUse device_memory_use(const CudaContext&));
ABSENT(void device_memory_reset_peak(const CudaContext&));
ABSENT(void copy_to_device(const CudaContext&, void*, const void*, std::size_t));
ABSENT(void copy_to_host(const CudaContext&, void*, const void*, std::size_t));
ABSENT(std::unique_ptr<DelayedCopy> copy_to_host_later(const CudaContext&, const void*,
                                                       std::size_t));
ABSENT(void copy_on_device(const CudaContext&, void*, const void*, std::size_t));
ABSENT(void set_to_zero(const CudaContext&, void*, std::size_t));
ABSENT(void synchronize(const CudaContext&));
ABSENT(std::unique_ptr<DeviceGraph> make_graph(const CudaContext&));
ABSENT(std::unique_ptr<StreamClock> make_stream_clock(const CudaContext&));

// collectives
bool has_collectives() {
  return false;
}
std::string collectives_description() {
  return "no: this bptplr was built without CUDA";
}
ABSENT(std::string make_group_id());
ABSENT(std::unique_ptr<DeviceGroup> make_device_group(const CudaContext&, const std::string&, int,
                                                      int));

// augment
ACTIVATION(augment_batch, const AugmentShape&, const std::uint8_t*, const std::int64_t*,
           const AugmentProgram*, const float*, const float*, T*);
KERNEL(augment_batch, const AugmentShape&, const std::uint8_t*, const std::int64_t*,
       const AugmentProgram*, std::uint8_t*);

// batch_norm
ACTIVATION(batch_norm_statistics, const BatchNormShape&, const T*, StatOf<T>*, StatOf<T>*);
ACTIVATION(batch_norm_add_statistics, const BatchNormShape&, const T*, const T*, T*, StatOf<T>*,
           StatOf<T>*);
FLOAT(batch_norm_update_running, const BatchNormShape&, const T*, const T*, T, T*, T*);
ACTIVATION(batch_norm_normalize, const BatchNormShape&, const T*, const StatOf<T>*,
           const StatOf<T>*, const StatOf<T>*, const StatOf<T>*, StatOf<T>, T*);
FLOAT(batch_norm_merge_statistics, const BatchNormShape&, std::int64_t, const std::int64_t*,
      const T*, T*, T*);
ACTIVATION(batch_norm_backward_sums, const BatchNormShape&, const BatchNormGradient<T>&, double*,
           StatOf<T>*, StatOf<T>*);
ACTIVATION(batch_norm_backward_input, const BatchNormShape&, std::int64_t,
           const BatchNormGradient<T>&, const double*, T*);

// bias
ACTIVATION(add_bias, std::int64_t, std::int64_t, const StatOf<T>*, T*);
ACTIVATION(bias_gradient, std::int64_t, std::int64_t, const T*, StatOf<T>*);

// conv2d
ACTIVATION(conv2d_forward, const Conv2dShape&, const T*, const T*, T*);
ACTIVATION(conv2d_backward_data, const Conv2dShape&, const T*, const T*, T*);
ACTIVATION(conv2d_backward_weights, const Conv2dShape&, const T*, const T*, StatOf<T>*,
           std::type_identity_t<T>*);

// conv2d_batch_norm
ACTIVATION(conv2d_statistics, const Conv2dShape&, std::int64_t, const T*, const T*, const T*, T*,
           StatOf<T>*, StatOf<T>*);
ACTIVATION(conv2d_normalized, const Conv2dShape&, const T*, const T*, const T*,
           const FixedBatchNorm<StatOf<T>>&, T*, T*);

// dropout
ACTIVATION(dropout, const DropoutShape&, const PhiloxStream&, const T*, T*);

// elementwise
ACTIVATION(relu_forward, const T*, T*, std::int64_t);
ACTIVATION(relu_backward, const T*, const T*, T*, std::int64_t);
ACTIVATION(leaky_relu_forward, double, const T*, T*, std::int64_t);
ACTIVATION(leaky_relu_backward, double, const T*, const T*, T*, std::int64_t);
ACTIVATION(add, const T*, const T*, T*, std::int64_t);
ACTIVATION(scale, double, const T*, T*, std::int64_t);
FLOAT(scale_by, const T*, const T*, T*, std::int64_t);
ABSENT(template <class Context, class From, class To>
       void convert(const Context&, const From*, To*, std::int64_t));
FOR_TYPE(convert, float, bfloat16);
FOR_TYPE(convert, bfloat16, float);
ACTIVATION(fill, T, T*, std::int64_t);
FOR_TYPE(fill, double);
FOR_TYPE(fill, std::int64_t);
FOR_TYPE(fill, std::uint8_t);

// gather
ACTIVATION(gather_rows, std::int64_t, std::int64_t, const T*, const std::int64_t*, T*);

// gmm
FLOAT(gmm_fit, const GmmOptions&, std::int64_t, const std::int64_t*, const T*, const double*,
      GmmResult*, double*, double*);
FLOAT(gmm_fit_from_labels, const GmmOptions&, std::int64_t, const std::int64_t*, const T*,
      const std::uint8_t*, GmmResult*, double*, double*);
FLOAT(kmeans_labels, std::int64_t, const std::int64_t*, const T*, const double*, std::uint8_t*);

// l2_normalize
FLOAT(l2_normalize_forward, const T*, T*, T*, std::int64_t, std::int64_t);
FLOAT(l2_normalize_backward, const T*, const T*, const T*, T*, std::int64_t, std::int64_t);

// linear
FLOAT(linear_forward, const LinearShape&, const T*, const T*, const T*, T*);
FLOAT(linear_backward_data, const LinearShape&, const T*, const T*, T*);
FLOAT(linear_backward_weights, const LinearShape&, const T*, const T*, T*, T*);

// losses
FLOAT(semi_supervised_loss, const SemiSupervisedShape&, const SemiSupervisedCoefficients*, const T*,
      const T*, T*, T*, T*);
FLOAT(negative_entropy, std::int64_t, std::int64_t, const T*, T*, T*);
FLOAT(generalized_cross_entropy, std::int64_t, std::int64_t, double, const T*, const std::int64_t*,
      T*, T*);

// mixup
ACTIVATION(mixup, std::int64_t, std::int64_t, const double*, const T*, const T*,
           const std::int64_t*, T*);

// partition
ABSENT(template <class Context>
       PartitionSizes balanced_partition(const Context&, std::int64_t, std::int64_t, double,
                                         const double*, const std::int64_t*, std::int64_t*));
template decltype(balanced_partition<CudaContext>) balanced_partition<CudaContext>;

// plr
KERNEL(class_sets, std::int64_t, std::int64_t, std::int64_t, const float*, const std::int64_t*,
       std::uint64_t*);
FLOAT(contrastive_loss, ContrastiveLoss, const ContrastiveShape&, double, const T*,
      const std::uint64_t*, T*, T*, std::int64_t*);

// adaptive_pool
ACTIVATION(adaptive_avg_pool_forward, const AdaptivePoolShape&, const T*, StatOf<T>*);
ACTIVATION(adaptive_avg_pool_backward, const AdaptivePoolShape&, const StatOf<T>*, T*);

// pool
ACTIVATION(global_avg_pool_forward, std::int64_t, std::int64_t, std::int64_t, const T*, StatOf<T>*);
ACTIVATION(global_avg_pool_backward, std::int64_t, std::int64_t, std::int64_t, const StatOf<T>*,
           T*);
ACTIVATION(max_pool_forward, const PoolShape&, const T*, T*, std::uint8_t*);
ACTIVATION(max_pool_backward, const PoolShape&, const T*, const std::uint8_t*, T*);

// prototypes
KERNEL(class_means, const PrototypeShape&, const float*, const std::int64_t*, float*,
       std::int64_t*);
KERNEL(update_prototypes, const PrototypeShape&, double, const float*, const std::int64_t*, float*,
       std::int64_t*);

// sample_losses
KERNEL(sample_cross_entropy, std::int64_t, std::int64_t, const float*, const std::int64_t*, float*);
KERNEL(min_max_normalize, std::int64_t, const float*, float*);
KERNEL(interleave, std::int64_t, const float*, const float*, float*);
KERNEL(sample_jensen_shannon, std::int64_t, std::int64_t, const float*, const float*,
       const std::int64_t*, double, float*);
KERNEL(pseudo_labels, std::int64_t, std::int64_t, double, const float*, const float*,
       std::int64_t*);

// sgd
FLOAT(sgd_step, const double*, double, double, const SgdTensor<T>*, std::int64_t, const SgdChunk*,
      const std::int64_t*);
FLOAT(find_nonfinite, const SgdTensor<T>*, std::int64_t, const SgdChunk*, std::int64_t*);

// softmax
FLOAT(softmax, const T*, T*, std::int64_t, std::int64_t);
FLOAT(soft_cross_entropy, const T*, const T*, std::int64_t, std::int64_t, T*, T*);

// targets
FLOAT(sharpen, std::int64_t, std::int64_t, double, const T*, T*);
FLOAT(co_guess, std::int64_t, std::int64_t, double, const T*, const T*, const T*, const T*, T*,
      std::type_identity_t<T>*);
FLOAT(co_refine, std::int64_t, std::int64_t, double, const T*, const T*, const std::int64_t*,
      const float*, T*, std::type_identity_t<T>*);

// vector_views
ACTIVATION(vector_views, const VectorShape&, const std::uint8_t*, const std::int64_t*,
           const VectorProgram*, const float*, const float*, T*);

}  // namespace bptplr::kernels
