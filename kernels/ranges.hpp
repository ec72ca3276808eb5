// Marks for a profiler: what the calls between push and pop belong to.
#pragma once

namespace bptplr::kernels {

void push_range(const char* name);
void pop_range();

}  // namespace bptplr::kernels
