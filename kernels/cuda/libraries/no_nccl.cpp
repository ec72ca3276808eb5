// A build for GPUs without NCCL: each process has a GPU for itself.
#include "kernels/collectives.hpp"
#include "kernels/device_error.hpp"

namespace bptplr::kernels {
namespace {

[[noreturn]] void refuse() {
  throw CudaError("this bptplr was built without NCCL");
}

}  // namespace

bool has_collectives() {
  return false;
}

std::string collectives_description() {
  return "no: this bptplr was built without NCCL";
}

std::string make_group_id() {
  refuse();
}

std::unique_ptr<DeviceGroup> make_device_group(const CudaContext& /*ctx*/,
                                               const std::string& /*id*/, int /*rank*/,
                                               int /*size*/) {
  refuse();
}

}  // namespace bptplr::kernels
