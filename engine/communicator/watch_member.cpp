#include <utility>

#include "engine/communicator/losses.hpp"
#include "engine/communicator/watch.hpp"
#include "engine/text.hpp"

namespace bptplr {
namespace {

/// One rank that is not 0: it watches rank 0, by which it hears of all others.
class Member {
 public:
  Member(const WatchedGroup& group, Link link, const EndWish& wish)
      : group_(group), link_(std::move(link)), wish_(wish), clock_(2 * group.options.interval) {}

  std::string run() {
    while (true) {
      const auto now = clock_.turn();
      if (now >= next_beat_) {
        link_.send(MessageKind::kAlive);
        next_beat_ = now + group_.options.interval;
      }
      if (hear()) return lost_;
      if (!link_.is_open()) return lost(kind_of_end(link_.error()));
      if (now - heard_ > group_.options.patience) return lost(LossKind::kSilent);
      const EndWish::Kind wish = wish_.kind();
      if (wish != EndWish::Kind::kNone) return end(wish);
      exchange_when_ready({{&link_}}, {{wish_.descriptor()}},
                          std::chrono::ceil<std::chrono::milliseconds>(next_beat_ - now));
    }
  }

 private:
  /// Reads what rank 0 says. Returns whether it ended the group, then lost_ is why.
  bool hear() {
    while (const auto message = link_.next()) {
      heard_ = clock_.now();
      if (message->kind == MessageKind::kGoodbye) return true;
      if (message->kind != MessageKind::kLost) continue;
      lost_ = sentence_of(message->text);
      return true;
    }
    return false;
  }

  std::string lost(LossKind kind) const { return losses_sentence({{0, kind, ""}}, group_.names); }

  std::string end(EndWish::Kind wish) {
    const bool fails = wish == EndWish::Kind::kFail;
    link_.send(fails ? MessageKind::kFailed : MessageKind::kGoodbye, wish_.sentence());
    part_from({{&link_}}, group_.parting());
    return "";
  }

  const WatchedGroup& group_;
  Link link_;
  const EndWish& wish_;
  AwakeClock clock_;
  AwakeClock::Duration next_beat_{0};
  AwakeClock::Duration heard_{0};
  std::string lost_;
};

}  // namespace

std::string watch_as_member(const WatchedGroup& group, Link link, const EndWish& wish) {
  return Member(group, std::move(link), wish).run();
}

}  // namespace bptplr
