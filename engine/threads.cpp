#include "engine/threads.hpp"

#include <omp.h>

namespace bptplr {

int use_threads(std::int64_t threads) {
  if (threads > 0) omp_set_num_threads(static_cast<int>(threads));
  return omp_get_max_threads();
}

}  // namespace bptplr
