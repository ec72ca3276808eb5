// Table of networks: one row for each kind, with everything that depends on the kind.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "models/network.hpp"
#include "models/network_config.hpp"

namespace bptplr {

struct NetworkKind {
  Arch arch;
  /// Blocks of the published network; nullopt for a network without stages of residual blocks.
  std::optional<StageBlocks> usual_blocks;
  /// Whether the network reads NetworkConfig::shortcut.
  bool has_shortcut;
  /// Whether the network reads NetworkConfig::pool_side.
  bool has_pool_side;
  /// Throws Error for images of an unsupported height or width; null: all are supported.
  void (*check_images)(std::int64_t height, std::int64_t width);
  bool takes_vectors;  ///< inputs are vectors; else images
  std::int64_t max_width;
  std::unique_ptr<Network> (*make)(const NetworkConfig& config, std::uint64_t seed,
                                   std::uint32_t index);
};

/// Returns the row of `arch`.
const NetworkKind& network_kind(Arch arch);

/// Creates a network on the CPU; `index` distinguishes networks that share a seed. Throws Error for
/// an invalid configuration.
std::unique_ptr<Network> make_network(const NetworkConfig& config, std::uint64_t seed,
                                      std::uint32_t index);

}  // namespace bptplr
