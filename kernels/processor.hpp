// Whether this build runs on this processor. Asked before anything else, so that the answer is a
// sentence and not an illegal instruction.
#pragma once

namespace bptplr::kernels {

/// Returns a sentence on the instructions that this build needs and the processor lacks; null where
/// it lacks none. Uses no others itself.
const char* missing_instructions();

}  // namespace bptplr::kernels
