#include "kernels/cuda/runtime/fastest.hpp"

#include "kernels/determinism.hpp"
#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

using kernels::CudaError;

TEST(Fastest, TimesEveryWayOnceAndThenGoesOne) {
  const auto ctx = cuda_test_context();
  kernels::Fastest<int> fastest;
  std::vector<int> gone(2);
  const auto way = [&](int i) { ++gone[static_cast<std::size_t>(i)]; };
  fastest.run(ctx, 7, 2, way);
  const int trials = std::min(gone[0], gone[1]);
  EXPECT_GT(trials, 0);
  EXPECT_EQ(gone[0] + gone[1], 2 * trials + 1);
  fastest.run(ctx, 7, 2, way);
  EXPECT_EQ(gone[0] + gone[1], 2 * trials + 2) << "the choice stands";
  fastest.run(ctx, 8, 2, way);
  EXPECT_EQ(gone[0] + gone[1], 4 * trials + 3) << "each key has its own";
}

/// A library may know no algorithm for a shape that our own kernels can do, or the other way round.
TEST(Fastest, LeavesOutAWayThatFails) {
  const auto ctx = cuda_test_context();
  for (const int good : {0, 1, 2}) {
    kernels::Fastest<int> fastest;
    int gone = 0;
    const auto way = [&](int i) {
      if (i != good) throw CudaError("no algorithm");
      ++gone;
    };
    fastest.run(ctx, 7, 3, way);
    const int after_trials = gone;
    fastest.run(ctx, 7, 3, way);
    EXPECT_EQ(gone, after_trials + 1);
  }
}

/// The way that a choice falls on among three, of which `failing` do not work.
int chosen(kernels::Fastest<int>& fastest, int failing = 0) {
  int last = -1;
  fastest.run(cuda_test_context(), 7, 3, [&](int i) {
    if (i < failing) throw CudaError("no algorithm");
    last = i;
  });
  return last;
}

/// Chooses by rule while it lives.
struct Deterministic {
  Deterministic() { kernels::set_deterministic(true); }
  ~Deterministic() { kernels::set_deterministic(false); }
};

#if defined(BPTPLR_SIMT)
/// Lets the way with this number take the least time of three.
void let_win(int way) {
  simt::set_clock([way, i = 0]() mutable { return i++ % 3 == way ? 1.0F : 2.0F; });
}

TEST(Fastest, TheClockDecidesUnlessTheChoiceIsByRule) {
  for (const int way : {0, 1, 2}) {
    let_win(way);
    kernels::Fastest<int> fastest;
    EXPECT_EQ(chosen(fastest), way);
    {
      const Deterministic deterministic;
      EXPECT_EQ(chosen(fastest), 0) << "what was measured before does not count";
    }
    EXPECT_EQ(chosen(fastest), way);
  }
  simt::set_clock({});
}
#endif

TEST(Fastest, ByRuleTheFirstWayThatWorksIsGone) {
  const Deterministic deterministic;
  for (const int failing : {0, 1, 2}) {
    kernels::Fastest<int> fastest;
    EXPECT_EQ(chosen(fastest, failing), failing);
    EXPECT_EQ(chosen(fastest, failing), failing);
  }
  kernels::Fastest<int> fastest;
  EXPECT_THROW(chosen(fastest, 3), CudaError);
}

TEST(Fastest, ThrowsTheFirstErrorWhereNoWayIsLeftAndTriesAgainNextTime) {
  const auto ctx = cuda_test_context();
  kernels::Fastest<int> fastest;
  const auto none = [](int i) { throw CudaError("way " + std::to_string(i)); };
  for (int call = 0; call < 2; ++call) {
    try {
      fastest.run(ctx, 7, 2, none);
      ADD_FAILURE();
    } catch (const CudaError& error) {
      EXPECT_STREQ(error.what(), "way 0");
    }
  }
  int gone = 0;
  fastest.run(ctx, 7, 2, [&](int) { ++gone; });
  EXPECT_GT(gone, 0);
}

}  // namespace
}  // namespace bptplr
