// Version, build type and compiler of this binary, from CMake.
#pragma once

#include <string>

namespace bptplr {

struct BuildInfo {
  const char* version;
  const char* build_type;
  const char* compiler;
  const char* onednn;
};
BuildInfo build_info();

/// Returns version and compiler, by which ranks know that they run the same program.
std::string program_version();

}  // namespace bptplr
