// Whether image files are turned upright as their orientation tag says.
#pragma once

#include "engine/names.hpp"

namespace bptplr {

enum class UseExif {
  kAuto,  ///< for people's own files; not where bytes must be those of the published loaders
  kTrue,
  kFalse
};
constexpr auto names_of(UseExif) {
  return std::to_array<NamedValue<UseExif>>(
      {{UseExif::kAuto, "auto"}, {UseExif::kTrue, "true"}, {UseExif::kFalse, "false"}});
}

}  // namespace bptplr
