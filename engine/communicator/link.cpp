#include "engine/communicator/link.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace bptplr {
namespace {

constexpr std::size_t kHead = 4;
constexpr std::size_t kMostText = 8192;
/// As much is read from one side before the others get their turn.
constexpr std::size_t kMostAtOnce = 65536;

bool is_kind(char byte) {
  return byte >= static_cast<char>(MessageKind::kHello) &&
         byte <= static_cast<char>(MessageKind::kLost);
}

std::size_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

}  // namespace

pollfd Link::wanted() const {
  const bool sends = can_send_ && !outgoing_.empty();
  return {socket_.get(), static_cast<short>(sends ? POLLIN | POLLOUT : POLLIN), 0};
}

void Link::send(MessageKind kind, std::string_view text) {
  if (!is_open() || !can_send_ || is_finishing_) return;
  text = text.substr(0, kMostText);
  outgoing_ += static_cast<char>(kind);
  for (const int shift : {16, 8, 0}) outgoing_ += static_cast<char>(text.size() >> shift & 0xff);
  outgoing_ += text;
  flush();
}

void Link::exchange() {
  flush();
  receive();
}

void Link::flush() {
  while (is_open() && can_send_ && !outgoing_.empty()) {
    const ssize_t sent = ::send(socket_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      outgoing_.erase(0, static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == ENOTCONN || errno == ENOBUFS || errno == ENOMEM) {
      return;  // not connected yet, or no room: the next turn tries again
    } else if (errno != EINTR) {
      // The other side may have said why before it closed: that is still to be read.
      error_ = errno;
      can_send_ = false;
    }
  }
  if (!is_finishing_ || !is_open() || !can_send_) return;
  ::shutdown(socket_.get(), SHUT_WR);
  can_send_ = false;
}

void Link::receive() {
  std::array<char, 4096> bytes{};
  for (std::size_t total = 0; is_open() && total < kMostAtOnce;) {
    const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (size > 0) {
      total += static_cast<std::size_t>(size);
      take_messages({bytes.data(), static_cast<std::size_t>(size)});
    } else if (size == 0) {
      close();
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      fail(errno);
    }
  }
}

void Link::take_messages(std::span<const char> bytes) {
  incoming_.append(bytes.data(), bytes.size());
  std::size_t begin = 0;
  while (incoming_.size() - begin >= kHead) {
    const std::string_view rest = std::string_view(incoming_).substr(begin);
    const std::size_t size = byte_at(rest, 1) << 16 | byte_at(rest, 2) << 8 | byte_at(rest, 3);
    if (!is_kind(rest[0]) || size > kMostText) return fail(EPROTO);
    if (rest.size() < kHead + size) break;
    messages_.push_back({static_cast<MessageKind>(rest[0]), std::string(rest.substr(kHead, size))});
    begin += kHead + size;
  }
  incoming_.erase(0, begin);
}

std::optional<Message> Link::next() {
  if (messages_.empty()) return {};
  Message first = std::move(messages_.front());
  messages_.pop_front();
  return first;
}

void Link::finish() {
  is_finishing_ = true;
  flush();
}

void Link::fail(int error) {
  if (error_ == 0) error_ = error;
  close();
}

void part_from(std::span<Link* const> links, std::chrono::milliseconds most) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + most;
  for (Link* link : links) link->finish();
  while (std::ranges::any_of(links, &Link::is_open)) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return;
    exchange_when_ready(links, {}, left);
    for (Link* link : links) {
      while (link->next()) continue;
    }
  }
}

void exchange_when_ready(std::span<Link* const> links, std::span<const int> descriptors,
                         std::chrono::milliseconds most) {
  std::vector<pollfd> wanted;
  wanted.reserve(links.size() + descriptors.size());
  for (const Link* link : links) wanted.push_back(link->wanted());  // ended: -1, which poll skips
  for (const int descriptor : descriptors) wanted.push_back({descriptor, POLLIN, 0});
  // Where a signal interrupts it, the caller's next turn waits for the rest.
  if (::poll(wanted.data(), wanted.size(), static_cast<int>(most.count())) <= 0) return;
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (wanted[i].revents != 0) links[i]->exchange();
  }
}

}  // namespace bptplr
