// Stands in for onnx_file.cpp where CMake has not found its library.
#include "bpt_plr/results/export/writer/onnx_file.hpp"
#include "engine/error.hpp"

namespace bptplr {

std::string onnx_bytes(Graph /*graph*/, const OnnxNotes& /*notes*/) {
  throw Error(
      "this build of bptplr cannot write ONNX; install libonnx-dev and libprotobuf-dev, then run "
      "cmake and build again");
}

}  // namespace bptplr
