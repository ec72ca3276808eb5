#include "data/prefetch.hpp"

#include "engine/io/mapped_file.hpp"

namespace bptplr {

void prefetch(const Images& images, std::span<const std::int64_t> indices) {
  if (!images.on_disk) return;
  const auto size = static_cast<std::size_t>(images.bytes_per_image());
  for (const std::int64_t index : indices) {
    if (index < 0 || index >= images.count) continue;
    read_ahead(images.pixels.subspan(static_cast<std::size_t>(index) * size, size));
  }
}

}  // namespace bptplr
