// Ranks as processes that are killed or stopped.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/communicator/supervision.hpp"
#include "tests/engine/communicator/watched_ranks.hpp"

namespace bptplr {
namespace {

using Clock = std::chrono::steady_clock;

/// Returns a rank 0 with a process of its own, that listens to `port`.
ProcessRank::Begin as_leader(SupervisionPort& port, int size, const SupervisionOptions& options) {
  return [&port, size, options](Supervision::OnLost on_lost) {
    return std::make_unique<Supervision>(std::move(port), names_of_ranks(size), std::move(on_lost),
                                         options);
  };
}

/// Waits until signs of life have gone to and fro.
void let_beat(const SupervisionOptions& options) {
  std::this_thread::sleep_for(3 * options.interval);
}

TEST(SupervisionLoss, ARankThatIsKilledIsNamedByAllOthers) {
  SupervisionPort port;
  const auto options = kPatient;
  ProcessRank killed(2, port.endpoint(), 4, options);
  auto ranks = ranks_here(std::move(port), {1, 3}, 4, options);
  ASSERT_TRUE(killed.is_in());
  const auto begin = Clock::now();
  killed.send(SIGKILL);
  for (auto& rank : ranks) {
    EXPECT_TRUE(rank->wait_for_loss().starts_with("rank 2 (x) died; look at what it printed"));
  }
  EXPECT_LT(Clock::now() - begin, options.patience);
}

TEST(SupervisionLoss, ARankThatIsStoppedIsNamedAfterThePatience) {
  SupervisionPort port;
  const auto options = kImpatient;
  ProcessRank stopped(1, port.endpoint(), 3, options);
  auto ranks = ranks_here(std::move(port), {2}, 3, options);
  ASSERT_TRUE(stopped.is_in());
  let_beat(options);
  const auto begin = Clock::now();
  stopped.send(SIGSTOP);
  for (auto& rank : ranks) {
    EXPECT_TRUE(rank->wait_for_loss().starts_with("rank 1 (x) no longer answers; check that it is"))
        << rank->heard();
  }
  // Its last sign of life was before the signal, by some intervals on a loaded machine.
  EXPECT_GT(Clock::now() - begin, options.patience / 2);
  stopped.send(SIGCONT);
  EXPECT_EQ(stopped.line(), ranks[0]->heard());  // so it ends too
}

TEST(SupervisionLoss, OneThatIsStoppedForLessIsNot) {
  SupervisionPort port;
  const auto options = kPatient;
  ProcessRank stopped(1, port.endpoint(), 3, options);
  auto ranks = ranks_here(std::move(port), {2}, 3, options);
  ASSERT_TRUE(stopped.is_in());
  stopped.send(SIGSTOP);
  std::this_thread::sleep_for(300ms);
  stopped.send(SIGCONT);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(stopped.leave(), "left");
  for (auto& rank : ranks) rank->end();
  for (auto& rank : ranks) EXPECT_EQ(rank->heard(), "");
}

TEST(SupervisionLoss, AGroupThatIsStoppedAsAWholeGoesOn) {
  SupervisionPort port;
  const std::string endpoint = port.endpoint();
  const auto options = kImpatient;
  ProcessRank first(as_leader(port, 2, options));
  port = SupervisionPort();
  ProcessRank second(1, endpoint, 2, options);
  ASSERT_TRUE(first.is_in() && second.is_in());
  let_beat(options);
  first.send(SIGSTOP);
  second.send(SIGSTOP);
  std::this_thread::sleep_for(2 * options.patience);
  first.send(SIGCONT);
  second.send(SIGCONT);
  let_beat(options);
  EXPECT_EQ(second.leave(), "left");
  EXPECT_EQ(first.leave(), "left");
}

TEST(SupervisionLoss, Rank0ThatIsKilledIsNamed) {
  SupervisionPort port;
  const std::string endpoint = port.endpoint();
  ProcessRank leader(as_leader(port, 3, kPatient));
  port = SupervisionPort();
  ThreadRank first(1, endpoint, 3, kPatient);
  ThreadRank second(2, endpoint, 3, kPatient);
  leader.send(SIGKILL);
  EXPECT_TRUE(first.wait_for_loss().starts_with("rank 0 (x) died; look at")) << first.heard();
  EXPECT_TRUE(second.wait_for_loss().starts_with("rank 0 (x) died; look at")) << second.heard();
}

TEST(SupervisionLoss, Rank0ThatIsStoppedIsNamed) {
  SupervisionPort port;
  const std::string endpoint = port.endpoint();
  ProcessRank leader(as_leader(port, 2, kImpatient));
  port = SupervisionPort();
  ThreadRank first(1, endpoint, 2, kImpatient);
  leader.send(SIGSTOP);
  EXPECT_TRUE(first.wait_for_loss().starts_with("rank 0 (x) no longer answers")) << first.heard();
}

class SupervisionLossOfTwo : public testing::TestWithParam<int> {};

TEST_P(SupervisionLossOfTwo, OneSentenceNamesBoth) {
  SupervisionPort port;
  const bool killed = GetParam() == SIGKILL;
  const SupervisionOptions options = {
      .interval = killed ? 400ms : 200ms, .patience = 1s, .connect_timeout = 60s};
  ProcessRank one(1, port.endpoint(), 4, options);
  ProcessRank two(3, port.endpoint(), 4, options);
  auto ranks = ranks_here(std::move(port), {2}, 4, options);
  ASSERT_TRUE(one.is_in() && two.is_in());
  let_beat(options);
  one.send(GetParam());
  two.send(GetParam());
  const std::string how = killed ? " died; look at what they printed"
                                 : " no longer answer; check that they are neither";
  for (auto& rank : ranks) {
    const std::string sentence = rank->wait_for_loss();
    EXPECT_TRUE(sentence.starts_with("rank 1 (x) and rank 3 (x)" + how) ||
                sentence.starts_with("rank 3 (x) and rank 1 (x)" + how))
        << sentence;
  }
}

INSTANTIATE_TEST_SUITE_P(Signals, SupervisionLossOfTwo, testing::Values(SIGKILL, SIGSTOP));

TEST(SupervisionLoss, ARankThatLeavesWhileAnotherIsLostIsTold) {
  SupervisionPort port;
  const SupervisionOptions options = {.interval = 20s, .patience = 60s, .connect_timeout = 60s};
  auto killed = std::make_unique<ProcessRank>(1, port.endpoint(), 2, options);
  auto ranks = ranks_here(std::move(port), {}, 2, options);
  ASSERT_TRUE(killed->is_in());
  killed.reset();
  std::this_thread::sleep_for(200ms);  // rank 0 knows, and waits for others that are lost with it
  ranks[0]->end();
  EXPECT_TRUE(ranks[0]->heard().starts_with("rank 1 (x) died")) << ranks[0]->heard();
}

std::atomic<pid_t> handled_by = 0;

TEST(SupervisionLoss, SignalsGoToTheMainThread) {
  ProcessRank only([](const Supervision::OnLost& on_lost) {
    ::signal(SIGUSR1, [](int) { handled_by = ::gettid(); });
    auto membership =
        std::make_unique<Supervision>(SupervisionPort(), names_of_ranks(1), on_lost, kPatient);
    sigset_t one;
    ::sigemptyset(&one);
    ::sigaddset(&one, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &one, nullptr);
    ::kill(::getpid(), SIGUSR1);
    std::this_thread::sleep_for(100ms);  // another thread that took it would have done so by now
    ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
    if (handled_by != ::getpid()) on_lost("the supervision's thread took a signal");
    return membership;
  });
  EXPECT_EQ(only.line(), "in");
}

}  // namespace
}  // namespace bptplr
