// The bytes of a file of ONNX; in builds without its library, a sentence that says so.
#pragma once

#include <map>
#include <string>

#include "bpt_plr/results/export/graph.hpp"

namespace bptplr {

/// Version of the operators: one that every runtime since 2020 knows.
inline constexpr int kOpset = 13;

struct OnnxNotes {
  std::string about;                            ///< a sentence
  std::map<std::string, std::string> metadata;  ///< metadata_props
};

/// Returns a model of the graph, whose constants are released one by one. Throws Error if it is
/// larger than the format allows, 2 GiB, and in a build without the library.
std::string onnx_bytes(Graph graph, const OnnxNotes& notes);

}  // namespace bptplr
