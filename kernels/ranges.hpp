// Named ranges for a profiler: calls between push and pop belong to the range.
#pragma once

namespace bptplr::kernels {

void push_range(const char* name);
void pop_range();

}  // namespace bptplr::kernels
