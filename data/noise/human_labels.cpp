#include "data/noise/human_labels.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "data/noise/label_file.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Returns the name of a set in the published files.
std::string published_key(HumanSet set, std::int64_t num_classes) {
  if (num_classes == 100) return "noisy_label";
  switch (set) {
    case HumanSet::kAggre:
      return "aggre_label";
    case HumanSet::kWorse:
      return "worse_label";
    case HumanSet::kRandom1:
      return "random_label1";
    case HumanSet::kRandom2:
      return "random_label2";
    case HumanSet::kRandom3:
      return "random_label3";
  }
  throw std::logic_error("published_key lacks a set of human labels");
}

fs::path find_file(const fs::path& path, HumanSet set, std::int64_t num_classes) {
  if (!fs::is_directory(path)) return path;
  const std::string base = num_classes == 10 ? "CIFAR-10_human" : "CIFAR-100_human";
  const std::string list =
      num_classes == 10 ? fmt::format("cifar10n_{}.json", set) : "cifar100n.json";
  for (const std::string& name : {list, base + ".pt", base + ".npy"}) {
    if (fs::exists(path / name)) return path / name;
  }
  throw Error(
      "{}: no human labels here (neither {} nor {}.pt or {}.npy); name their file or folder with "
      "--human_path",
      path.string(), list, base, base);
}

}  // namespace

std::vector<std::int64_t> read_human_labels(const fs::path& path, HumanSet set,
                                            std::int64_t num_classes, std::int64_t count) {
  const fs::path file = find_file(path, set, num_classes);
  const std::vector<LabelList> lists = read_label_lists(file);
  if (lists.size() == 1 && lists[0].name.empty()) {
    return checked_labels(lists[0], file, count, num_classes);
  }
  const std::string key = published_key(set, num_classes);
  const auto list = std::ranges::find(lists, key, &LabelList::name);
  require(list != lists.end(), "{}: it has no entry \"{}\"; use the published file", file.string(),
          key);
  return checked_labels(*list, file, count, num_classes);
}

}  // namespace bptplr
