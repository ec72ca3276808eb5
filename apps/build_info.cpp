#include "apps/build_info.hpp"

namespace bptplr {

BuildInfo build_info() {
  return {BPTPLR_VERSION, BPTPLR_BUILD_TYPE, BPTPLR_COMPILER, BPTPLR_ONEDNN};
}

}  // namespace bptplr
