#include "kernels/parallel.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <stdexcept>
#include <string>

namespace bptplr::kernels {
namespace {

TEST(Parallel, TheExceptionOfTheFirstChunkReachesTheCaller) {
  for (const int threads : {1, 3}) {
    omp_set_num_threads(threads);
    try {
      parallel_for(1000, 10, [](std::int64_t begin, std::int64_t) {
        if (begin >= 500) throw std::runtime_error(std::to_string(begin));
      });
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()), "500");
    }
  }
  omp_set_num_threads(omp_get_num_procs());
}

TEST(Parallel, TheFirstChunkCountsWhateverTheOrder) {
  FirstError error;
  EXPECT_NO_THROW(error.rethrow());
  for (const std::int64_t chunk : {5, 2, 7}) {
    error.guard(chunk, [&] { throw std::invalid_argument(std::to_string(chunk)); });
  }
  error.guard(0, [] {});
  try {
    error.rethrow();
    FAIL();
  } catch (const std::invalid_argument& first) {
    EXPECT_EQ(std::string(first.what()), "2");
  }
}

}  // namespace
}  // namespace bptplr::kernels
