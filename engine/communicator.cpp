#include "engine/communicator.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "engine/memory.hpp"
#include "engine/row_shards.hpp"

namespace bptplr {
namespace {

class GroupOfOne final : public Communicator {
 public:
  void all_gather(Device device, const void* own, void* all, std::size_t bytes) override {
    copy_bytes(device, all, device, own, bytes);
  }
  void sum(Device, double*, std::int64_t) override {}
  void begin_sum(Device, DType, void*, std::int64_t) override {}
  void finish_sums(Device) override {}
};

}  // namespace

void print_failure(const std::string& sentence) {
  std::fprintf(stderr, "bptplr: error: %s\n", sentence.c_str());
  std::fflush(stderr);
}

Communicator& Communicator::alone() {
  static GroupOfOne group;
  return group;
}

void Communicator::fail(const std::string& sentence) {
  print_failure(sentence);
  std::_Exit(1);
}

Shards Communicator::shards(const std::vector<std::int64_t>& parts, Device device) {
  if (is_alone()) return nullptr;
  KeptShards& found = shards_[{parts, device.type == DeviceType::kCuda ? device.index : -1}];
  found.last_use = ++uses_;
  if (found.shards != nullptr) return found.shards;
  found.shards = std::make_shared<RowShards>(*this, parts, device);
  // The sizes of an epoch's batches are few; those of a whole training are not. A recorded
  // iteration wants what it has used to stay, and makes nothing anew.
  constexpr std::size_t kMostKept = 64;
  if (shards_.size() > kMostKept) {
    shards_.erase(std::ranges::min_element(shards_, {},
                                           [](const auto& kept) { return kept.second.last_use; }));
  }
  return found.shards;
}

}  // namespace bptplr
