#include "engine/device.hpp"

#include "engine/error.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {

std::string to_string(Device device) {
  return device.type == DeviceType::kCpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

Device parse_device(const std::string& word) {
  require(word == "auto" || word == "cpu" || word == "cuda",
          "unknown device '{}'; use auto, cpu or cuda", word);
  if (word == "cpu") return {};
  const bool available = kernels::device_count() > 0;
  require(available || word == "auto", "--device cuda is not available: {}; use --device cpu",
          kernels::no_device_reason());
  return available ? Device{DeviceType::kCuda, 0} : Device{};
}

}  // namespace bptplr
