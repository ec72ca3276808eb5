// The networks of a run as one model of ONNX, which runs without this program: from images or
// features as they are to what `bptplr predict` says of them.
#pragma once

#include <cstdint>
#include <filesystem>

#include "bpt_plr/run/trained_model.hpp"

namespace bptplr {

/// Returns the file that the networks of `model`, a run's folder or one of its model files, are
/// written to unless the user names one.
std::filesystem::path onnx_file_of(const std::filesystem::path& model, bool half);

/// Loads the networks of `model`, as TrainedModel does, and writes them to `out`, which has its old
/// or all its new bytes. With `half`, they compute in float16; inputs and outputs stay as they are.
/// Returns the size in bytes. Throws Error where something is missing or cannot be written, and in
/// a build without ONNX.
std::int64_t export_onnx(const std::filesystem::path& model, const std::filesystem::path& out,
                         bool half);

}  // namespace bptplr
