#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "engine/communicator/watch.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

using JoinClock = std::chrono::steady_clock;

std::chrono::milliseconds time_until(JoinClock::time_point end) {
  return std::chrono::ceil<std::chrono::milliseconds>(end - JoinClock::now());
}

/// One address of rank 0 that is tried.
struct Attempt {
  std::string address;
  Link link;
  std::string outcome;  ///< why it is over
  bool is_over;
};

/// Begins to connect to every address at once: of most of them nothing may ever be heard.
std::vector<Attempt> begin_attempts(const WatchedGroup& group, const Endpoint& endpoint) {
  const std::string hello = fmt::format("{} {} {}", endpoint.key, group.size(), group.rank);
  std::vector<Attempt> attempts;
  for (const std::string& address : endpoint.addresses) {
    int error = 0;
    Attempt attempt{address, Link(begin_connection(address, endpoint.port, error)), "", false};
    attempt.is_over = error != 0;
    if (attempt.is_over) attempt.outcome = reason(error);
    attempt.link.send(MessageKind::kHello, hello);
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

/// Goes on with an attempt. Returns whether rank 0 answered it.
bool is_welcome(Attempt& attempt, const std::string& key) {
  if (attempt.is_over) return false;
  if (const auto message = attempt.link.next()) {
    if (message->kind == MessageKind::kWelcome && message->text == key) return true;
    attempt.link.close();
  }
  attempt.is_over = !attempt.link.is_open();
  if (attempt.is_over) {
    const int error = attempt.link.error();
    attempt.outcome = error == 0 ? "not rank 0 of this run" : reason(error);
  }
  return false;
}

std::string outcomes(const std::vector<Attempt>& attempts, double seconds) {
  std::vector<std::string> all;
  for (const Attempt& attempt : attempts) {
    const std::string outcome =
        attempt.is_over ? attempt.outcome : fmt::format("no answer within {:.3g} s", seconds);
    all.push_back(fmt::format("{}: {}", attempt.address, outcome));
  }
  return fmt::format("{}", fmt::join(all, ", "));
}

/// Chooses a connection by which rank 0 answered, and waits until rank 0 counts this rank in: from
/// then on each hears of the other's end.
Link chosen(Link link, const std::string& name, JoinClock::time_point end) {
  link.send(MessageKind::kAlive);
  while (true) {
    while (const auto message = link.next()) {
      if (message->kind == MessageKind::kAlive) return link;
      if (message->kind == MessageKind::kLost) throw Error("{}", message->text);
    }
    const auto left = time_until(end);
    require(link.is_open() && left.count() > 0,
            "rank 0 ended, or fell silent, while {} connected to it; look at what rank 0 printed",
            name);
    exchange_when_ready({{&link}}, {}, left);
  }
}

}  // namespace

Link join_group(const WatchedGroup& group, const Endpoint& endpoint) {
  const std::string& name = group.names.at(static_cast<std::size_t>(group.rank));
  const auto end = JoinClock::now() + group.options.connect_timeout;
  std::vector<Attempt> attempts = begin_attempts(group, endpoint);
  while (true) {
    std::vector<Link*> links;
    for (Attempt& attempt : attempts) {
      if (is_welcome(attempt, endpoint.key)) return chosen(std::move(attempt.link), name, end);
      if (attempt.link.is_open()) links.push_back(&attempt.link);
    }
    const auto left = time_until(end);
    if (left.count() <= 0 || links.empty()) break;
    exchange_when_ready(links, {}, left);
  }
  const double seconds = std::chrono::duration<double>(group.options.connect_timeout).count();
  throw Error(
      "{} cannot connect to port {} of rank 0 ({}); check that no firewall keeps hosts from "
      "connecting to each other's TCP ports",
      name, endpoint.port, outcomes(attempts, seconds));
}

}  // namespace bptplr
