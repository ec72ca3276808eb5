#include "engine/device.hpp"

#include "engine/error.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {

namespace {

int chosen_gpu = 0;

}  // namespace

void use_gpu(int index) {
  chosen_gpu = index;
}

std::string to_string(Device device) {
  return device.type == DeviceType::kCpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

Device choose_device(DeviceChoice choice) {
  if (choice == DeviceChoice::kCpu) return {};
  const bool available = kernels::device_count() > 0;
  require(available || choice == DeviceChoice::kAuto,
          "--device cuda is not available: {}; use --device cpu", kernels::no_device_reason());
  return available ? Device{DeviceType::kCuda, chosen_gpu} : Device{};
}

DeviceChoice parse_device_choice(const std::string& name) {
  const auto choice = value_named<DeviceChoice>(name);
  require(choice.has_value(), "unknown device '{}'; use auto, cpu or cuda", name);
  return *choice;
}

}  // namespace bptplr
