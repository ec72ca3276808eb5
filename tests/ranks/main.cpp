// Runs the tests on every rank; the first one prints, and all fail where one does.
#include <gtest/gtest.h>

#include <cstdio>
#include <exception>

#include "engine/communicator/launch.hpp"
#include "engine/communicator/placement.hpp"
#include "engine/threads.hpp"
#include "tests/ranks/ranks.hpp"

namespace bptplr {

Communicator& ranks() {
  return join_group("test_ranks");
}

namespace {

/// Prints what fails on a rank that prints nothing else.
class Failures : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s:%d: %s\n", ranks().rank(), result.file_name(),
                 result.line_number(), result.message());
  }
};

int run_tests() {
  use_threads(processors_of_rank(ranks()));
  if (!ranks().is_first()) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new Failures);
  }
  const bool failed = RUN_ALL_TESTS() != 0;
  const int code = ranks().any(failed) ? 1 : 0;
  ranks().leave();
  return code;
}

}  // namespace
}  // namespace bptplr

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    return bptplr::run_tests();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "test_ranks: %s\n", error.what());
    return 1;
  }
}
