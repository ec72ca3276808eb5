// What happens when a mapped file is cut short, or its disk fails, while it is in use: the system
// sends SIGBUS to whoever reads the lost pages, from which nothing can return.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace bptplr {

/// Watches the bytes of a mapped file while the result exists: if they cannot be read, the process
/// says so in a sentence that names the file, and ends with code 1. Elsewhere SIGBUS stays as it
/// was, and so it does everywhere if the program handles it already.
std::shared_ptr<const void> watch_mapped(std::span<const std::uint8_t> bytes,
                                         const std::filesystem::path& path);

}  // namespace bptplr
