#include "engine/device.hpp"

#include "engine/error.hpp"

namespace bptplr {

std::string to_string(Device device) {
  return device.type == DeviceType::kCpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

Device parse_device(const std::string& word) {
  require(word == "auto" || word == "cpu" || word == "cuda",
          "unknown device '{}'; use auto, cpu or cuda", word);
  require(word != "cuda",
          "--device cuda is not available: this bptplr was built for the CPU only; "
          "use --device cpu");
  return {};
}

}  // namespace bptplr
