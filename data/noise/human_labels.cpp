#include "data/noise/human_labels.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "data/noise/label_file.hpp"
#include "engine/error.hpp"
#include "engine/io/open_file.hpp"

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
  if (!is_folder(path)) return path;
  const std::string base = num_classes == 10 ? "CIFAR-10_human" : "CIFAR-100_human";
  const std::string list =
      num_classes == 10 ? fmt::format("cifar10n_{}.json", set) : "cifar100n.json";
  for (const std::string& name : {list, base + ".pt", base + ".npy", base + "_ordered.npy"}) {
    if (path_exists(path / name)) return path / name;
  }
  throw Error(
      "{}: no human labels here (neither {} nor {}.pt or {}.npy); name their file or folder with "
      "--human_path",
      path.string(), list, base, base);
}

/// Returns values[order[i]], or with `inverse` puts values[i] at order[i].
std::vector<std::int64_t> reordered(const std::vector<std::int64_t>& values,
                                    const std::vector<std::int64_t>& order, bool inverse) {
  std::vector<std::int64_t> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto other = static_cast<std::size_t>(order[i]);
    result[inverse ? other : i] = values[inverse ? i : other];
  }
  return result;
}

/// Brings lists in another order of the images back to the data set's own, by a file that lists the
/// images in that order; which way round it does so, the clean labels tell. Leaves them as they are
/// where there is no such file, or it does not fit.
void restore_order(std::vector<LabelList>& lists, const fs::path& order_file,
                   std::span<const std::int64_t> official) {
  const auto truth = std::ranges::find(lists, "clean_label", &LabelList::name);
  if (truth == lists.end() || truth->labels.size() != official.size()) return;
  if (std::ranges::equal(truth->labels, official) || !path_exists(order_file)) return;
  const std::vector<LabelList> orders = read_label_lists(order_file);
  const std::vector<std::int64_t> order = checked_labels(
      only_list(orders, order_file), order_file, std::ssize(official), std::ssize(official));
  for (const bool inverse : {false, true}) {
    if (!std::ranges::equal(reordered(truth->labels, order, inverse), official)) continue;
    for (LabelList& list : lists) {
      if (list.labels.size() == order.size()) list.labels = reordered(list.labels, order, inverse);
    }
    return;
  }
}

}  // namespace

std::vector<std::int64_t> read_human_labels(const fs::path& path, HumanSet set,
                                            std::int64_t num_classes,
                                            std::span<const std::int64_t> official) {
  const auto count = std::ssize(official);
  const fs::path file = find_file(path, set, num_classes);
  std::vector<LabelList> lists = read_label_lists(file);
  restore_order(lists, file.parent_path() / fmt::format("image_order_c{}.npy", num_classes),
                official);
  require_same_truth(lists, file, official);
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
