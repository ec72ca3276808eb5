// Lists of labels in .npy files, files of torch.save and pickles. Executes nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/noise/label_file.hpp"

namespace bptplr {

/// Labels under keys that should be 0, 1, 2, ...
class LabelsByIndex {
 public:
  /// Adds the label of a key, which may be no number.
  void add(std::string_view key, std::int64_t label);
  /// Returns the labels in order if the keys are all numbers below `entries`, without gaps.
  std::optional<LabelList> list(std::int64_t entries) const;

 private:
  std::map<std::int64_t, std::int64_t> labels_;
};

/// Returns whether bytes begin as a file that binary_lists reads.
bool has_binary_labels(std::string_view bytes);

/// Returns the lists in a file; `file` is its name in errors. Throws Error for damaged ones.
std::vector<LabelList> binary_lists(std::string bytes, const std::string& file);

}  // namespace bptplr
