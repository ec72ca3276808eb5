// Reads weights: state dicts that torch.save wrote, and safetensors files. Reads tensors only;
// executes nothing.
#pragma once

#include <filesystem>
#include <string>

#include "engine/io/safetensors.hpp"

namespace bptplr {

/// Reads the tensors of a state dict, which may be the file's value itself, an entry such as
/// "state_dict" or "model", or its only entry with tensors. Everything else in the file, of
/// whatever class, is skipped unread. Tensors have the types that engine/io/elements.hpp reads them
/// as; all are contiguous. Throws Error naming the file when it is missing, damaged or without
/// tensors.
TensorMap load_pth(const std::filesystem::path& path);

/// Reads the tensors (see load_pth) of a file in memory; `name` is the file's name in errors.
TensorMap parse_pth(std::string bytes, const std::string& name);

/// Reads the tensors of a file of either format, which its content decides.
TensorMap load_weights(const std::filesystem::path& path);

}  // namespace bptplr
