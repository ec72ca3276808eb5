// Version, build type and compiler of this binary, from CMake.
#pragma once

namespace bptplr {

struct BuildInfo {
  const char* version;
  const char* build_type;
  const char* compiler;
  const char* onednn;
};
BuildInfo build_info();

}  // namespace bptplr
