#include "bpt_plr/method/epoch_history.hpp"

#include <charconv>

#include "engine/error.hpp"

namespace bptplr {

std::string epoch_name(const std::string& prefix, std::int64_t epoch) {
  return fmt::format("{}.{}", prefix, epoch);
}

void for_each_epoch(const TensorMap& tensors, const std::string& prefix,
                    const std::function<void(std::int64_t epoch, const Tensor& values)>& use) {
  const std::string start = prefix + ".";
  for (auto it = tensors.lower_bound(start); it != tensors.end() && it->first.starts_with(start);
       ++it) {
    const std::string& name = it->first;
    std::int64_t epoch = 0;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + start.size(), end, epoch);
    require(error == std::errc() && stop == end, "the checkpoint has a tensor '{}' of no epoch",
            name);
    use(epoch, it->second);
  }
}

}  // namespace bptplr
