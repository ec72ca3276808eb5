#include "apps/build_info.hpp"

namespace bptplr {

BuildInfo build_info() {
  return {BPTPLR_VERSION, BPTPLR_BUILD_TYPE, BPTPLR_COMPILER, BPTPLR_ONEDNN};
}

std::string program_version() {
  const BuildInfo build = build_info();
  return std::string("bptplr ") + build.version + " (" + build.compiler + ", oneDNN " +
         build.onednn + ")";
}

}  // namespace bptplr
