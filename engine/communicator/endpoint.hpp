// Where rank 0 of a group of processes is reached over TCP.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/open_file.hpp"

namespace bptplr {

/// Addresses of a host, a port there, and the key that whoever connects must know.
struct Endpoint {
  std::vector<std::string> addresses;  ///< IPv4 and IPv6 as numbers
  std::uint16_t port = 0;
  std::string key;  ///< 32 hexadecimal digits
};

/// Returns "10.0.0.1,127.0.0.1;41234;KEY".
std::string endpoint_text(const Endpoint& endpoint);
/// Returns what endpoint_text made a text of. Throws Error where it is none.
Endpoint parse_endpoint(std::string_view text);

/// Opens a free TCP port on all interfaces, for IPv6 too where the system has it, and makes a key.
/// Throws Error.
Descriptor open_port(Endpoint& endpoint);
/// Returns the next connection to an open port, invalid if none waits or error is not 0.
Descriptor accept_connection(const Descriptor& port, int& error);
/// Begins to connect, without waiting. Invalid with an error number where that cannot be.
Descriptor begin_connection(const std::string& address, std::uint16_t port, int& error);

}  // namespace bptplr
