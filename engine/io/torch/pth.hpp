// Weights as torch.save has written them since PyTorch 1.6: a zip archive with a pickle that
// describes tensors and an entry for the memory of each. Only the tensors are read; nothing in the
// file is ever executed.
#pragma once

#include <filesystem>
#include <string>

#include "engine/io/safetensors.hpp"

namespace bptplr {

/// The tensors of a state dict, which may be the file's value itself or lie in it under
/// "state_dict", "model" or "net"; what else is there (an epoch, say) is left out. float16 and
/// bfloat16 become float32, integers int64, bool uint8; all are contiguous. Throws Error, naming
/// the file, for one that is missing, damaged, of the format before 1.6, without tensors, or with
/// other Python objects in it.
TensorMap load_pth(const std::filesystem::path& path);

/// The same for a file that is in memory; `name` is the file's name in errors.
TensorMap parse_pth(std::string bytes, const std::string& name);

}  // namespace bptplr
