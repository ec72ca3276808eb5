#include "engine/communicator/link.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "engine/communicator/endpoint.hpp"
#include "engine/communicator/losses.hpp"

namespace bptplr {
namespace {

/// A link, and the bare other end of its connection.
struct LinkAndSocket {
  LinkAndSocket() : LinkAndSocket(pair()) {}
  explicit LinkAndSocket(std::array<int, 2> ends) : link(Descriptor(ends[0])), other(ends[1]) {}

  static std::array<int, 2> pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    return ends;
  }
  void write(std::string_view bytes) {
    EXPECT_EQ(::send(other.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
    link.exchange();
  }

  Link link;
  Descriptor other;
};

TEST(Link, TakesMessagesByteByByte) {
  LinkAndSocket ends;
  const std::string bytes("\x06\0\0\x03two\x03\0\0\0", 11);
  std::vector<Message> heard;
  for (const char byte : bytes) {
    ends.write({&byte, 1});
    while (auto message = ends.link.next()) heard.push_back(*message);
  }
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].kind, MessageKind::kLost);
  EXPECT_EQ(heard[0].text, "two");
  EXPECT_EQ(heard[1].kind, MessageKind::kAlive);
}

TEST(Link, RefusesWhatIsNoMessage) {
  for (const std::string& bytes : {std::string("HTTP"), std::string("\x03\xff\xff\xff", 4)}) {
    LinkAndSocket ends;
    ends.write(bytes);
    EXPECT_FALSE(ends.link.is_open());
    EXPECT_EQ(ends.link.error(), EPROTO);
  }
}

TEST(Link, HandsOutWhatCameBeforeTheEnd) {
  LinkAndSocket ends;
  ends.write(std::string("\x04\0\0\0", 4));
  ends.other.close();
  ends.link.exchange();
  EXPECT_FALSE(ends.link.is_open());
  EXPECT_EQ(ends.link.error(), 0);
  EXPECT_EQ(ends.link.next().value().kind, MessageKind::kGoodbye);
  EXPECT_FALSE(ends.link.next());
}

TEST(Link, KeepsWhatTheOtherSideDoesNotTakeYet) {
  LinkAndSocket ends;
  const std::string text(5000, 'x');
  constexpr int kMessages = 200;
  for (int i = 0; i < kMessages; ++i) ends.link.send(MessageKind::kFailed, text);
  EXPECT_NE(ends.link.wanted().events & POLLOUT, 0);
  ends.link.finish();
  Link other(std::move(ends.other));
  int heard = 0;
  while (other.is_open()) {
    other.exchange();
    ends.link.exchange();
    while (const auto message = other.next()) heard += message->text == text ? 1 : 0;
  }
  EXPECT_EQ(heard, kMessages);
}

TEST(Link, CutsATextThatIsTooLong) {
  LinkAndSocket ends;
  ends.link.send(MessageKind::kFailed, std::string(100'000, 'x'));
  Link other(std::move(ends.other));
  other.exchange();
  EXPECT_EQ(other.next().value().text, std::string(8192, 'x'));
}

TEST(Endpoint, IsTheSameAfterBeingText) {
  Endpoint made;
  const Descriptor port = open_port(made);
  EXPECT_EQ(made.key.size(), 32U);
  EXPECT_GT(made.port, 0);
  const Endpoint read = parse_endpoint(endpoint_text(made));
  EXPECT_EQ(read.addresses, made.addresses);
  EXPECT_EQ(read.port, made.port);
  EXPECT_EQ(read.key, made.key);
}

TEST(Losses, AreSaidInOneSentence) {
  const std::vector<std::string> names = {"A", "B", "C", "D"};
  EXPECT_EQ(
      losses_sentence(
          {{2, LossKind::kDied, ""}, {3, LossKind::kFailed, "no GPU"}, {1, LossKind::kDied, ""}},
          names),
      "C and B died; look at what they printed, and with dmesg whether memory ran out; also, D "
      "failed: no GPU");
  EXPECT_EQ(losses_sentence({{3, LossKind::kSilent, ""}}, names),
            "D no longer answers; check that it is neither stopped nor cut off from the network");
  std::vector<Loss> many(100, {1, LossKind::kAbsent, ""});
  EXPECT_TRUE(losses_sentence(many, names).starts_with("B, B, B, B, B, B, B and 93 more did not"));
}

}  // namespace
}  // namespace bptplr
