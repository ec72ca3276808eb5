// Ranks as threads: beginning, orderly ends, failures that are reported, strangers.
#include "engine/communicator/supervision.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "engine/communicator/endpoint.hpp"
#include "engine/communicator/link.hpp"
#include "tests/engine/communicator/watched_ranks.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

std::vector<std::unique_ptr<ThreadRank>> whole_group(int size,
                                                     const SupervisionOptions& options = kPatient) {
  std::vector<int> others;
  for (int rank = 1; rank < size; ++rank) others.push_back(rank);
  return ranks_here(SupervisionPort(), others, size, options);
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Supervision, RanksLeaveInAnyOrder) {
  std::vector<int> order = {0, 1, 2};
  do {
    auto ranks = whole_group(3);
    for (const int rank : order) {
      ranks[static_cast<std::size_t>(rank)]->membership().leave();
      std::this_thread::sleep_for(5ms);
    }
    for (auto& rank : ranks) EXPECT_EQ(rank->heard(), "");
  } while (std::ranges::next_permutation(order).found);
}

TEST(Supervision, ALeaderAloneLeaves) {
  ThreadRank rank(SupervisionPort(), 1, kPatient);
  rank.membership().leave();
  rank.membership().leave();  // nothing more happens
  EXPECT_EQ(rank.heard(), "");
}

TEST(Supervision, TwoHundredGroupsBeginAndEnd) {
  for (int i = 0; i < 200; ++i) {
    SupervisionPort port;
    const std::string endpoint = port.endpoint();
    std::vector<std::string> heard(3);
    std::vector<std::thread> ranks;
    ranks.reserve(3);
    for (int rank = 0; rank < 3; ++rank) {
      ranks.emplace_back([&, rank] {
        std::unique_ptr<ThreadRank> own;
        if (rank == 0) own = std::make_unique<ThreadRank>(std::move(port), 3, kPatient);
        if (rank != 0) own = std::make_unique<ThreadRank>(rank, endpoint, 3, kPatient);
        own->end();
        heard[static_cast<std::size_t>(rank)] = own->heard();
      });
    }
    for (std::thread& rank : ranks) rank.join();
    EXPECT_EQ(heard, std::vector<std::string>(3));
  }
}

TEST(Supervision, ThirtyTwoRanksHearOfAFailure) {
  auto ranks = whole_group(32);
  ranks[17]->membership().report_failure("the disk of node3 is full");
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    if (rank == 17) continue;
    EXPECT_EQ(ranks[rank]->wait_for_loss(), "rank 17 (x) failed: the disk of node3 is full");
  }
  EXPECT_EQ(ranks[17]->heard(), "");
}

TEST(Supervision, AFailureOfRank0IsHeard) {
  auto ranks = whole_group(3);
  ranks[0]->membership().report_failure("out of memory\x1b[2J");
  for (std::size_t rank = 1; rank < 3; ++rank) {
    EXPECT_EQ(ranks[rank]->wait_for_loss(), "rank 0 (x) failed: out of memory\\x1b[2J");
  }
  EXPECT_EQ(ranks[0]->heard(), "");
}

TEST(Supervision, FailuresAtTheSameTimeAreHeardTogether) {
  auto ranks = whole_group(4, {.interval = 1s, .patience = 60s, .connect_timeout = 60s});
  std::thread other([&] { ranks[2]->membership().report_failure("no GPU"); });
  ranks[3]->membership().report_failure("no file");
  other.join();
  const std::string sentence = ranks[1]->wait_for_loss();
  EXPECT_TRUE(holds(sentence, "rank 2 (x) failed: no GPU")) << sentence;
  EXPECT_TRUE(holds(sentence, "rank 3 (x) failed: no file")) << sentence;
  EXPECT_EQ(ranks[0]->wait_for_loss(), sentence);
}

TEST(Supervision, AScopeThatAnExceptionEndsIsAFailure) {
  SupervisionPort port;
  const std::string endpoint = port.endpoint();
  ThreadRank first(std::move(port), 2, kPatient);
  try {
    ThreadRank second(1, endpoint, 2, kPatient);
    throw std::runtime_error("anything");
  } catch (const std::runtime_error&) {
    EXPECT_TRUE(holds(first.wait_for_loss(), "rank 1 (x) failed: an error ended it"));
  }
}

TEST(Supervision, WhatACallbackThrowsOrAsksForIsNoHarm) {
  std::optional<Supervision> own;
  SupervisionPort port;
  const std::string endpoint = port.endpoint();
  own.emplace(
      std::move(port), names_of_ranks(2),
      [&](const std::string&) {
        own->leave();
        throw std::runtime_error("anything");
      },
      kPatient);
  ThreadRank other(1, endpoint, 2, kPatient);
  other.membership().report_failure("anything");
}

TEST(Supervision, ARankThatDoesNotComeIsNamed) {
  SupervisionPort port;
  const std::string endpoint = port.endpoint();
  const SupervisionOptions options = {.interval = 20ms, .patience = 60s, .connect_timeout = 300ms};
  ThreadRank first(std::move(port), 3, options);
  ThreadRank second(1, endpoint, 3, kPatient);
  EXPECT_TRUE(holds(first.wait_for_loss(), "rank 2 (x) did not connect to rank 0; check that it"));
  EXPECT_EQ(second.wait_for_loss(), first.heard());
}

TEST(Supervision, RankZeroThatCannotBeReachedIsAnError) {
  SupervisionPort silent;  // the system takes connections for it, nobody answers
  const Endpoint endpoint = parse_endpoint(silent.endpoint());
  const SupervisionOptions options = {.interval = 20ms, .patience = 60s, .connect_timeout = 200ms};
  const auto begins = [&](const std::string& text) {
    return message_of([&] { Supervision(1, text, names_of_ranks(2), nullptr, options); });
  };
  const std::string late = begins(endpoint_text({{"127.0.0.1"}, endpoint.port, endpoint.key}));
  EXPECT_TRUE(holds(late, "rank 1 (x) cannot connect to port ")) << late;
  EXPECT_TRUE(holds(late, "(127.0.0.1: no answer within 0.2 s); check that no firewall")) << late;
  const std::string closed = begins(endpoint_text({{"127.0.0.1", "x"}, 1, endpoint.key}));
  EXPECT_TRUE(holds(closed, "(127.0.0.1: Connection refused, x: Invalid argument)")) << closed;
  for (const char* text : {"", "127.0.0.1;80", "127.0.0.1;80;short", ";;", "127.0.0.1;x;"}) {
    EXPECT_TRUE(holds(begins(text), "is not where rank 0 can be reached")) << text;
  }
}

/// Connects to the port and says something as a stranger would.
Link stranger(const Endpoint& endpoint, const std::string& says) {
  int error = 0;
  Descriptor socket = begin_connection("127.0.0.1", endpoint.port, error);
  pollfd wanted = {socket.get(), POLLOUT, 0};
  EXPECT_EQ(::poll(&wanted, 1, 60'000), 1);
  EXPECT_EQ(::send(socket.get(), says.data(), says.size(), MSG_NOSIGNAL), std::ssize(says));
  return Link(std::move(socket));
}

TEST(Supervision, StrangersChangeNothing) {
  SupervisionPort port;
  const std::string text = port.endpoint();
  const Endpoint endpoint = parse_endpoint(text);
  std::vector<Link> strangers;
  strangers.push_back(stranger(endpoint, ""));
  strangers.push_back(stranger(endpoint, "GET / HTTP/1.1\r\n\r\n"));
  for (const std::string& hello : {std::string(32, '0') + " 3 1", endpoint.key + " 3 0",
                                   endpoint.key + " 3 7", endpoint.key + " 4 1", endpoint.key}) {
    strangers.push_back(stranger(endpoint, ""));
    strangers.back().send(MessageKind::kHello, hello);
    strangers.back().send(MessageKind::kFailed, "nothing");
  }
  ThreadRank first(std::move(port), 3, kPatient);
  ThreadRank second(1, text, 3, kPatient);
  strangers.push_back(stranger(endpoint, ""));
  strangers.back().send(MessageKind::kHello, endpoint.key + " 3 1");  // there is one already
  strangers.back().send(MessageKind::kAlive);
  ThreadRank third(2, text, 3, kPatient);
  std::vector<Link*> all;
  all.reserve(strangers.size());
  for (Link& link : strangers) all.push_back(&link);
  part_from(all, kLong);  // every one of them is shut out
  for (const Link& link : strangers) EXPECT_FALSE(link.is_open());
  second.end();
  third.end();
  first.end();
  EXPECT_EQ(first.heard() + second.heard() + third.heard(), "");
}

TEST(Supervision, APortThatAllHaveConnectedToIsClosed) {
  SupervisionPort port;
  const Endpoint endpoint = parse_endpoint(port.endpoint());
  auto ranks = ranks_here(std::move(port), {1}, 2, kPatient);
  for (int error = 0; error == 0;) {
    Descriptor socket = begin_connection("127.0.0.1", endpoint.port, error);
    if (error != 0) break;
    Link link(std::move(socket));
    Link* one = &link;
    part_from({&one, 1}, kLong);
    error = link.error();
  }
}

TEST(Supervision, ANameSaysProcessAndHost) {
  const std::string name = rank_name(2);
  EXPECT_TRUE(name.starts_with("rank 2 (process " + std::to_string(::getpid()) + " on ")) << name;
}

}  // namespace
}  // namespace bptplr
