// Reads lists of labels from the files that people keep them in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace bptplr {

/// List of labels in a file.
struct LabelList {
  std::string name;  ///< its key in the file; "" where the file is a single list
  std::vector<std::int64_t> labels;
  std::string problem;     ///< what is no integer, e.g. "entry 3 is string"; "" if all are
  std::int64_t count = 0;  ///< number of entries, integers or not
};

/// Reads all lists of a file, which its content decides: JSON, text with a label on each line
/// (after an optional heading), .npy, a file of torch.save, or a pickle; in the last four integers
/// of any size. A list may be a value of a dict; a dict from 0, 1, 2, ... to labels is a list too.
/// Throws Error naming the file when it is missing, damaged or has no list.
std::vector<LabelList> read_label_lists(const std::filesystem::path& path);

/// Returns the list that a file consists of: its only one, or its only one apart from clean_label.
/// Throws Error naming those that it has.
const LabelList& only_list(const std::vector<LabelList>& lists, const std::filesystem::path& path);

/// Throws Error if the file has clean labels, as those of CIFAR-10N have, which contradict the data
/// set's own: its labels are then those of other images, or of the same in another order.
void require_same_truth(const std::vector<LabelList>& lists, const std::filesystem::path& path,
                        std::span<const std::int64_t> official);

/// Returns the labels. Throws Error unless they are `count` integers in [0, num_classes).
std::vector<std::int64_t> checked_labels(const LabelList& list, const std::filesystem::path& path,
                                         std::int64_t count, std::int64_t num_classes);

}  // namespace bptplr
