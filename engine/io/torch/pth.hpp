// Reads weights written by torch.save since PyTorch 1.6: a zip archive with a pickle that describes
// tensors and an entry with the memory of each. Reads tensors only; executes nothing.
#pragma once

#include <filesystem>
#include <string>

#include "engine/io/safetensors.hpp"

namespace bptplr {

/// Reads the tensors of a state dict, which may be the file's value itself or its entry
/// "state_dict", "model" or "net"; other entries (e.g. an epoch) are ignored. float16 and bfloat16
/// become float32, integers int64, bool uint8; all are contiguous. Throws Error naming the file
/// when it is missing, damaged, older than 1.6, without tensors, or holds other Python objects.
TensorMap load_pth(const std::filesystem::path& path);

/// Reads the tensors (see load_pth) of a file in memory; `name` is the file's name in errors.
TensorMap parse_pth(std::string bytes, const std::string& name);

}  // namespace bptplr
