// Connection between two processes that exchanges small messages and never waits.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/io/open_file.hpp"

namespace bptplr {

/// What a message says. On the wire: this byte, three bytes of length, the text.
enum class MessageKind : std::uint8_t {
  kHello = 1,  ///< first of a process that connects: "KEY SIZE RANK"
  kWelcome,    ///< rank 0's answer: "KEY"
  kAlive,      ///< sign of life; the first chooses this among several connections
  kGoodbye,    ///< orderly end
  kFailed,     ///< end by an error: its sentence
  kLost        ///< of rank 0: the sentence that says which ranks are lost
};

struct Message {
  MessageKind kind = MessageKind::kAlive;
  std::string text;
};

class Link {
 public:
  /// Takes a socket that does not block, connected or about to be.
  explicit Link(Descriptor socket) : socket_(std::move(socket)) {}

  /// Returns what to poll for; after the end, nothing.
  pollfd wanted() const;
  /// Sends a message, or keeps it until the other side takes more. A text too long is cut.
  void send(MessageKind kind, std::string_view text = {});
  /// Sends what is kept and reads what has come.
  void exchange();
  /// Returns the next message that came whole, also after the end.
  std::optional<Message> next();
  /// Says that nothing follows what was sent. The other side may still send.
  void finish();
  void close() { socket_.close(); }

  /// Returns whether the other side may still send.
  bool is_open() const { return socket_.valid(); }
  /// Returns why it ended; 0 where the other side closed it.
  int error() const { return error_; }

 private:
  void flush();
  void receive();
  void take_messages(std::span<const char> bytes);
  void fail(int error);

  Descriptor socket_;
  std::string outgoing_;
  std::string incoming_;
  std::deque<Message> messages_;
  bool can_send_ = true;
  bool is_finishing_ = false;
  int error_ = 0;
};

/// Waits until the other sides have closed, `most` at most. What they still send is dropped: were
/// it left unread, closing would take back what they have not read yet.
void part_from(std::span<Link* const> links, std::chrono::milliseconds most);

/// Waits until something comes by one of the links or descriptors, `most` at most, and exchanges
/// with those links that are ready. Links that have ended are passed over.
void exchange_when_ready(std::span<Link* const> links, std::span<const int> descriptors,
                         std::chrono::milliseconds most);

}  // namespace bptplr
