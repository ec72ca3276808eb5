// Devices that hold tensors.
#pragma once

#include <string>

#include "engine/names.hpp"

namespace bptplr {

enum class DeviceType { kCpu, kCuda };

struct Device {
  DeviceType type = DeviceType::kCpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

/// Returns "cpu" or "cuda:INDEX".
std::string to_string(Device device);

/// Device that a user asks for.
enum class DeviceChoice {
  kAuto,  ///< CUDA where this build and machine have it, else the CPU
  kCpu,
  kCuda
};
constexpr auto names_of(DeviceChoice) {
  return std::to_array<NamedValue<DeviceChoice>>(
      {{DeviceChoice::kAuto, "auto"}, {DeviceChoice::kCpu, "cpu"}, {DeviceChoice::kCuda, "cuda"}});
}

/// Makes `index` the GPU that choose_device means from now on, for a rank that shares its host.
void use_gpu(int index);

/// Returns the device that `choice` means. Throws Error where it is not available.
Device choose_device(DeviceChoice choice);

/// Returns the choice called `name`. Throws Error where there is none.
DeviceChoice parse_device_choice(const std::string& name);

}  // namespace bptplr
