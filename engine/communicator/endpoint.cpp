#include "engine/communicator/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/ranges.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Addresses that are tried: a host of containers may have hundreds.
constexpr std::size_t kMostAddresses = 16;
constexpr std::size_t kKeyDigits = 32;
constexpr int kSocket = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

/// Address and port as the calls of sockets want them.
struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

/// Returns an address of IPv6, or of IPv4 where it has no colon; size 0 where it is none.
SocketAddress socket_address(const std::string& address, std::uint16_t port) {
  SocketAddress made;
  if (address.find(':') != std::string::npos) {
    auto* six = reinterpret_cast<sockaddr_in6*>(&made.bytes);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    if (::inet_pton(AF_INET6, address.c_str(), &six->sin6_addr) == 1) made.size = sizeof *six;
  } else {
    auto* four = reinterpret_cast<sockaddr_in*>(&made.bytes);
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) made.size = sizeof *four;
  }
  return made;
}

/// Returns an address as numbers; "" where another host cannot use it.
std::string address_text(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
  } else if (address->sa_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
    // One of a link alone means nothing without the name that the other host has for that link.
    if (IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr)) return "";
    ::inet_ntop(AF_INET6, &six->sin6_addr, text.data(), text.size());
  }
  return text.data();
}

/// Returns the addresses of this host, those that only it can use last.
std::vector<std::string> own_addresses(bool with_ipv6) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) first = nullptr;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, ::freeifaddrs);
  std::vector<std::string> outer;
  std::vector<std::string> inner;
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0) continue;
    if (one->ifa_addr->sa_family == AF_INET6 && !with_ipv6) continue;
    const std::string text = address_text(one->ifa_addr);
    if (text.empty()) continue;
    ((one->ifa_flags & IFF_LOOPBACK) != 0 ? inner : outer).push_back(text);
  }
  if (inner.empty()) inner.emplace_back("127.0.0.1");
  outer.resize(std::min(outer.size(), kMostAddresses - 1));
  inner.resize(std::min(inner.size(), kMostAddresses - outer.size()));
  outer.insert(outer.end(), inner.begin(), inner.end());
  return outer;
}

std::string random_key() {
  std::array<std::uint8_t, kKeyDigits / 2> bytes{};
  ssize_t size = 0;
  do {
    size = ::getrandom(bytes.data(), bytes.size(), 0);
  } while (size < 0 && errno == EINTR);
  require(size == ssize_t{bytes.size()}, "cannot make a random key: {}; check the system",
          reason(errno));
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

/// Returns a socket that listens on every address of the family; invalid where the system has none.
Descriptor listening(int family, SocketAddress any) {
  Descriptor port(::socket(family, kSocket, 0));
  if (!port.valid()) return {};
  const int off = 0;
  if (family == AF_INET6 &&
      ::setsockopt(port.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) {
    return {};
  }
  if (::bind(port.get(), any.get(), any.size) != 0) return {};
  if (::listen(port.get(), SOMAXCONN) != 0) return {};
  return port;
}

std::uint16_t port_of(const Descriptor& port) {
  sockaddr_storage bytes{};
  socklen_t size = sizeof bytes;
  if (::getsockname(port.get(), reinterpret_cast<sockaddr*>(&bytes), &size) != 0) return 0;
  return ntohs(bytes.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bytes)->sin6_port
                                           : reinterpret_cast<sockaddr_in*>(&bytes)->sin_port);
}

/// Small messages leave at once, not when more have come together.
void send_at_once(const Descriptor& socket) {
  const int on = 1;
  static_cast<void>(::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

}  // namespace

std::string endpoint_text(const Endpoint& endpoint) {
  return fmt::format("{};{};{}", fmt::join(endpoint.addresses, ","), endpoint.port, endpoint.key);
}

Endpoint parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  const std::size_t port = text.find(';');
  const std::size_t key = port == text.npos ? text.npos : text.find(';', port + 1);
  require(key != text.npos, "'{}' is not where rank 0 can be reached: expected ADDRESSES;PORT;KEY",
          quotable(text));
  const std::string_view digits = text.substr(port + 1, key - port - 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
  endpoint.key = text.substr(key + 1);
  for (std::string_view rest = text.substr(0, port); !rest.empty();) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    endpoint.addresses.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  require(endpoint.port != 0 && endpoint.key.size() == kKeyDigits && !endpoint.addresses.empty(),
          "'{}' is not where rank 0 can be reached: its addresses, port or key are damaged",
          quotable(text));
  return endpoint;
}

Descriptor open_port(Endpoint& endpoint) {
  Descriptor port = listening(AF_INET6, socket_address("::", 0));
  const bool with_ipv6 = port.valid();
  if (!with_ipv6) port = listening(AF_INET, socket_address("0.0.0.0", 0));
  const int error = port.valid() ? 0 : errno;
  require(error == 0,
          "cannot open a TCP port, by which the processes of a group watch each other: {}; raise "
          "the limit of open files (ulimit -n) or permit sockets",
          reason(error));
  endpoint = {own_addresses(with_ipv6), port_of(port), random_key()};
  return port;
}

Descriptor accept_connection(const Descriptor& port, int& error) {
  Descriptor socket(::accept4(port.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  error = socket.valid() ? 0 : errno;
  // What waited may be gone again; the errors of a network are passed on to whoever accepts.
  if (error == EINTR || error == EAGAIN || error == ECONNABORTED) error = 0;
  if (socket.valid()) send_at_once(socket);
  return socket;
}

Descriptor begin_connection(const std::string& address, std::uint16_t port, int& error) {
  const SocketAddress to = socket_address(address, port);
  error = EINVAL;
  if (to.size == 0) return {};
  Descriptor socket(::socket(to.bytes.ss_family, kSocket, 0));
  error = socket.valid() ? 0 : errno;
  if (!socket.valid()) return {};
  send_at_once(socket);
  if (::connect(socket.get(), to.get(), to.size) == 0) return socket;
  // Interrupted, it goes on all the same.
  if (errno == EINPROGRESS || errno == EINTR) return socket;
  error = errno;
  return {};
}

}  // namespace bptplr
