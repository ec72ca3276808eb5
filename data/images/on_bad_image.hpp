// What to do about image files that cannot be read.
#pragma once

#include "engine/names.hpp"

namespace bptplr {

enum class OnBadImage {
  kSkip,  ///< leave them out, with a warning each
  kStop   ///< throw Error
};
constexpr auto names_of(OnBadImage) {
  return std::to_array<NamedValue<OnBadImage>>(
      {{OnBadImage::kSkip, "skip"}, {OnBadImage::kStop, "stop"}});
}

}  // namespace bptplr
