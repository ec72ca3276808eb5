#include <algorithm>
#include <cerrno>
#include <charconv>
#include <list>
#include <optional>
#include <utility>

#include "engine/communicator/losses.hpp"
#include "engine/communicator/watch.hpp"

namespace bptplr {
namespace {

/// Connections of strangers at a time, beyond those that the ranks try; what is more is refused.
constexpr std::size_t kMostStrangers = 64;
constexpr std::size_t kTriesOfARank = 16;

enum class PeerState { kAbsent, kPresent, kLeft, kLost };

/// Another rank, as rank 0 knows it.
struct Peer {
  int rank = 0;
  PeerState state = PeerState::kAbsent;
  std::optional<Link> link;
  AwakeClock::Duration heard{0};
};

/// Whoever connected and has not become a rank: it may be one that also tries another address.
struct Stranger {
  Link link;
  AwakeClock::Duration since{0};
  int rank = 0;  ///< that it knows the key for; 0 as long as it does not
};

/// Rank 0, which all others are connected to.
class Leader {
 public:
  Leader(const WatchedGroup& group, Descriptor port, const std::string& key, const EndWish& wish)
      : group_(group),
        port_(std::move(port)),
        key_(key),
        wish_(wish),
        clock_(2 * group.options.interval) {
    for (int rank = 1; rank < group.size(); ++rank) peers_.push_back({rank, {}, {}, {}});
    absent_ = peers_.size();
  }

  std::string run() {
    while (true) {
      clock_.turn();
      beat();
      admit();
      for (Peer& peer : peers_) listen_to(peer);
      find_silent();
      const EndWish::Kind wish = wish_.kind();
      if (wish == EndWish::Kind::kFail) {
        losses_.push_back({0, LossKind::kFailed, wish_.sentence()});
        return announce();
      }
      const bool leaves = wish == EndWish::Kind::kLeave;
      if (!losses_.empty() && (leaves || clock_.now() >= announce_at_)) return announce();
      if (leaves && absent_ == 0) return say_goodbye();
      wait(!leaves);
    }
  }

 private:
  /// Sends signs of life when they are due.
  void beat() {
    if (clock_.now() < next_beat_) return;
    next_beat_ = clock_.now() + group_.options.interval;
    accepts_ = true;
    for (Peer& peer : peers_) {
      if (peer.link) peer.link->send(MessageKind::kAlive);
    }
  }

  /// Takes in who connects, for as long as ranks are missing.
  void admit() {
    const std::size_t most = kMostStrangers + kTriesOfARank * peers_.size();
    while (absent_ > 0 && accepts_ && strangers_.size() < most) {
      int error = 0;
      Descriptor socket = accept_connection(port_, error);
      if (error != 0) accepts_ = false;  // no more files, say: tried again with the next beat
      if (!socket.valid()) break;
      strangers_.push_back({Link(std::move(socket)), clock_.now(), 0});
    }
    std::erase_if(strangers_, [&](Stranger& stranger) { return !is_kept(stranger); });
    if (absent_ > 0) return;
    strangers_.clear();
    port_.close();
  }

  /// Reads what a stranger says. Returns whether it is still one that may become a rank.
  bool is_kept(Stranger& stranger) {
    while (const auto message = stranger.link.next()) {
      if (stranger.rank == 0) {
        if (message->kind != MessageKind::kHello) return false;
        stranger.rank = rank_in(message->text);
        if (stranger.rank == 0) return false;
        stranger.link.send(MessageKind::kWelcome, key_);
      } else if (message->kind == MessageKind::kAlive) {
        become_present(peers_[static_cast<std::size_t>(stranger.rank) - 1], stranger.link);
        return false;
      }
    }
    const auto age = clock_.now() - stranger.since;
    return stranger.link.is_open() && age < group_.options.connect_timeout;
  }

  /// Returns the rank of whoever says "KEY SIZE RANK"; 0 where it is none of this group.
  int rank_in(std::string_view hello) const {
    const std::string begin = key_ + ' ' + std::to_string(group_.size()) + ' ';
    if (!hello.starts_with(begin)) return 0;
    hello.remove_prefix(begin.size());
    int rank = 0;
    std::from_chars(hello.data(), hello.data() + hello.size(), rank);
    return rank > 0 && rank < group_.size() ? rank : 0;
  }

  void become_present(Peer& peer, Link& link) {
    if (peer.state != PeerState::kAbsent) return;
    peer.link.emplace(std::move(link));
    peer.heard = clock_.now();
    peer.state = PeerState::kPresent;
    peer.link->send(MessageKind::kAlive);
    --absent_;
  }

  void listen_to(Peer& peer) {
    if (!peer.link) return;
    while (const auto message = peer.link->next()) {
      peer.heard = clock_.now();
      if (peer.state != PeerState::kPresent) continue;
      if (message->kind == MessageKind::kGoodbye) {
        peer.state = PeerState::kLeft;
      } else if (message->kind == MessageKind::kFailed) {
        lose(peer, {peer.rank, LossKind::kFailed, message->text});
      }
    }
    const bool open = peer.link->is_open();
    if (!open && peer.state == PeerState::kPresent) {
      lose(peer, {peer.rank, kind_of_end(peer.link->error()), ""});
    }
    // Whoever said a last word waits for its connection to be closed.
    const bool is_last = peer.state == PeerState::kLeft || is_failed(peer);
    if (!open || is_last) peer.link.reset();
  }

  bool is_failed(const Peer& peer) const {
    return std::ranges::any_of(losses_, [&](const Loss& loss) {
      return loss.rank == peer.rank && loss.kind == LossKind::kFailed;
    });
  }

  void find_silent() {
    // Members say themselves, with the addresses that they tried, why they cannot connect: later.
    const auto connected_by = group_.options.connect_timeout + 2 * group_.options.interval;
    for (Peer& peer : peers_) {
      if (peer.state == PeerState::kAbsent && clock_.now() > connected_by) {
        --absent_;
        lose(peer, {peer.rank, LossKind::kAbsent, ""});
      } else if (peer.state == PeerState::kPresent &&
                 clock_.now() - peer.heard > group_.options.patience) {
        lose(peer, {peer.rank, LossKind::kSilent, ""});
      }
    }
  }

  void lose(Peer& peer, Loss loss) {
    // What ends one rank often ends others with it, which are to be named together: at once, or for
    // ranks that fell silent together up to an interval later.
    const bool is_slow = loss.kind == LossKind::kSilent || loss.kind == LossKind::kAbsent;
    const AwakeClock::Duration interval = group_.options.interval;
    if (losses_.empty()) announce_at_ = clock_.now() + (is_slow ? 2 * interval : interval / 2);
    peer.state = PeerState::kLost;
    losses_.push_back(std::move(loss));
  }

  /// Tells every rank that can still hear it what is lost, silent ones too: they may wake up.
  std::string announce() {
    std::string sentence = losses_sentence(losses_, group_.names);
    send_last(MessageKind::kLost, sentence);
    return sentence;
  }

  std::string say_goodbye() {
    send_last(MessageKind::kGoodbye, "");
    return "";
  }

  void send_last(MessageKind kind, std::string_view text) {
    std::vector<Link*> links;
    for (Stranger& stranger : strangers_) {
      if (stranger.rank != 0) links.push_back(&stranger.link);  // about to become that rank
    }
    for (Peer& peer : peers_) {
      if (peer.link) links.push_back(&*peer.link);
    }
    for (Link* link : links) link->send(kind, text);
    part_from(links, group_.parting());
  }

  /// Waits until something comes or is due. A wish that is set already would end it at once.
  void wait(bool for_wish) {
    std::vector<int> descriptors;
    if (for_wish) descriptors.push_back(wish_.descriptor());
    if (absent_ > 0 && accepts_) descriptors.push_back(port_.get());
    std::vector<Link*> links;
    for (Stranger& stranger : strangers_) links.push_back(&stranger.link);
    for (Peer& peer : peers_) {
      if (peer.link) links.push_back(&*peer.link);
    }
    const auto until = losses_.empty() ? next_beat_ : std::min(next_beat_, announce_at_);
    exchange_when_ready(links, descriptors,
                        std::chrono::ceil<std::chrono::milliseconds>(until - clock_.now()));
  }

  const WatchedGroup& group_;
  Descriptor port_;
  std::string key_;
  const EndWish& wish_;
  AwakeClock clock_;
  AwakeClock::Duration next_beat_{0};
  AwakeClock::Duration announce_at_{0};
  std::vector<Peer> peers_;
  std::list<Stranger> strangers_;
  std::vector<Loss> losses_;
  std::size_t absent_ = 0;
  bool accepts_ = true;  ///< false while the system refuses new connections
};

}  // namespace

std::string watch_as_leader(const WatchedGroup& group, Descriptor port, const std::string& key,
                            const EndWish& wish) {
  return Leader(group, std::move(port), key, wish).run();
}

}  // namespace bptplr
