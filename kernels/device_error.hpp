// Errors of a GPU.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace bptplr::kernels {

/// CUDA or one of its libraries reported an error; the message says during what.
class CudaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The GPU has no room for so many bytes more, or for what a library needs.
class OutOfDeviceMemory : public CudaError {
 public:
  explicit OutOfDeviceMemory(std::size_t bytes)
      : OutOfDeviceMemory(": " + std::to_string((bytes >> 20) + 1) + " MiB more are needed") {}
  OutOfDeviceMemory() : OutOfDeviceMemory(std::string()) {}

 private:
  explicit OutOfDeviceMemory(const std::string& details)
      : CudaError("the GPU is out of memory" + details +
                  "; use a smaller --batch_size or --width, or --precision bf16") {}
};

}  // namespace bptplr::kernels
