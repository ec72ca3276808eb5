// The networks by name: one row each, which is all that the rest of the program asks about a kind.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "models/network.hpp"
#include "models/network_config.hpp"

namespace bptplr {

struct NetworkKind {
  Arch arch;
  /// Blocks of the published network; nothing: it has no stages of residual blocks.
  std::optional<StageBlocks> usual_blocks;
  /// Whether NetworkConfig::shortcut is for it.
  bool has_shortcut;
  /// Throws Error for images of a height and width that it does not take; null: it takes all.
  void (*check_images)(std::int64_t height, std::int64_t width);
  std::unique_ptr<Network> (*make)(const NetworkConfig& config, std::uint64_t seed,
                                   std::uint32_t index);
};

/// Returns the row of `arch`.
const NetworkKind& network_kind(Arch arch);

/// Makes a network on the CPU; `index` tells the networks of one seed apart. Throws Error for a
/// configuration that is no network.
std::unique_ptr<Network> make_network(const NetworkConfig& config, std::uint64_t seed,
                                      std::uint32_t index);

}  // namespace bptplr
