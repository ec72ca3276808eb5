#include "engine/io/budget.hpp"

#include <utility>

#include "engine/error.hpp"

namespace bptplr {

Budget::Budget(std::string file, std::uint64_t file_bytes)
    : file_(std::move(file)),
      held_(kHeldData.of(file_bytes)),
      worked_(kWorkedData.of(file_bytes)) {}

void Budget::spend(std::uint64_t& left, std::uint64_t bytes) const {
  require(bytes <= left,
          "{} takes far more memory or time than a file of its size should: it mentions the same "
          "bytes over and over; fetch it again from a source that you trust",
          file_);
  left -= bytes;
}

}  // namespace bptplr
