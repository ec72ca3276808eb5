#include "engine/io/lost_pages.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>
#include <string>

#include "engine/text.hpp"

namespace bptplr {
namespace {

/// Mapped bytes, and what to say when they are lost. The signal handler reads these, so nothing
/// here allocates or waits once `sentence` is set.
struct Watched {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string sentence;
};

/// As many files as are mapped at a time; those beyond end the process as SIGBUS does by itself.
constexpr std::size_t kMost = 64;
std::array<std::atomic<const Watched*>, kMost>& places() {
  static std::array<std::atomic<const Watched*>, kMost> all{};
  return all;
}

void on_bus_error(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (const auto& place : places()) {
    const Watched* watched = place.load();
    if (watched == nullptr || address < watched->begin || address >= watched->end) continue;
    [[maybe_unused]] const ssize_t written =
        ::write(STDERR_FILENO, watched->sentence.data(), watched->sentence.size());
    ::_exit(1);
  }
  ::signal(signal, SIG_DFL);  // returning repeats the access, which now ends the process
}

void handle_bus_errors() {
  struct sigaction now {};
  if (::sigaction(SIGBUS, nullptr, &now) != 0) return;
  const bool is_default = (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
  if (!is_default) return;
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

/// Keeps a place of the table while it exists.
class Watch {
 public:
  Watch(std::span<const std::uint8_t> bytes, const std::filesystem::path& path) {
    watched_.begin = reinterpret_cast<std::uintptr_t>(bytes.data());
    // The last page is mapped as a whole.
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    watched_.end = (watched_.begin + bytes.size() + page - 1) / page * page;
    watched_.sentence = "bptplr: error: " +
                        sentence_of(path.string() +
                                    ": some of it cannot be read any more, as it was cut short or "
                                    "its disk fails; check the disk and start the same command "
                                    "again (with --resume, if it trains)") +
                        "\n";
    for (auto& place : places()) {
      const Watched* none = nullptr;
      if (!place.compare_exchange_strong(none, &watched_)) continue;
      place_ = &place;
      break;
    }
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (place_ != nullptr) place_->store(nullptr);
  }

 private:
  Watched watched_;
  std::atomic<const Watched*>* place_ = nullptr;
};

}  // namespace

std::shared_ptr<const void> watch_mapped(std::span<const std::uint8_t> bytes,
                                         const std::filesystem::path& path) {
  static std::once_flag once;
  std::call_once(once, handle_bus_errors);
  return std::make_shared<const Watch>(bytes, path);
}

}  // namespace bptplr
