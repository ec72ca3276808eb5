// Programs of several plans, as kernels take them.
#pragma once

#include <span>
#include <vector>

#include "kernels/augment.hpp"

namespace bptplr {

inline std::vector<kernels::AugmentProgram> programs_of(std::span<const kernels::AugmentPlan> plans,
                                                        int crop_height, int crop_width) {
  std::vector<kernels::AugmentProgram> programs;
  for (const kernels::AugmentPlan& plan : plans) {
    programs.push_back(kernels::prepare(plan, crop_height, crop_width));
  }
  return programs;
}

}  // namespace bptplr
