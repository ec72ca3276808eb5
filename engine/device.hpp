// Where tensors live.
#pragma once

#include <string>

namespace bptplr {

enum class DeviceType { kCpu, kCuda };

struct Device {
  DeviceType type = DeviceType::kCpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

/// "cpu" or "cuda:INDEX".
std::string to_string(Device device);

/// The device that a user's word means: "auto" (CUDA where this build and machine have it, else the
/// CPU), "cpu" or "cuda". Throws Error where that device cannot be had.
Device parse_device(const std::string& word);

}  // namespace bptplr
