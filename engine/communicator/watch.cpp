#include "engine/communicator/watch.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "engine/error.hpp"

namespace bptplr {

EndWish::EndWish() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  require(event_.valid(),
          "cannot watch other processes: {}; raise the limit of open files (ulimit -n)",
          reason(errno));
}

void EndWish::set(Kind kind, std::string_view sentence) {
  {
    const std::lock_guard lock(mutex_);
    if (kind_ != Kind::kNone) return;
    sentence_ = sentence;
    kind_ = kind;
  }
  const std::uint64_t one = 1;
  while (::write(event_.get(), &one, sizeof one) < 0 && errno == EINTR) continue;
}

EndWish::Kind EndWish::kind() const {
  const std::lock_guard lock(mutex_);
  return kind_;
}

std::string EndWish::sentence() const {
  const std::lock_guard lock(mutex_);
  return sentence_;
}

AwakeClock::Duration AwakeClock::turn() {
  const auto at = std::chrono::steady_clock::now();
  now_ += std::min(at - last_, most_);
  last_ = at;
  return now_;
}

}  // namespace bptplr
