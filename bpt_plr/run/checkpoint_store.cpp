#include "bpt_plr/run/checkpoint_store.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

#include "engine/error.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "epoch_";
constexpr std::string_view kDiagnostic = "not_finite_";
constexpr std::string_view kExtension = ".safetensors";

/// Returns the file name of a position; names sort as positions do: epoch_000012.safetensors after
/// 12 epochs, epoch_000012_net1_000345.safetensors within the epoch that follows.
std::string name_of(const Position& position) {
  std::string name = fmt::format("{}{:06}", kPrefix, position.epoch);
  if (position.within_epoch()) {
    name += fmt::format("_net{}_{:06}", position.network + 1, position.iteration);
  }
  return name.append(kExtension);
}

/// Returns the name of the checkpoint of the epoch with the best test accuracy, the last of equals.
std::string best_name(const std::vector<double>& accuracies) {
  if (accuracies.empty()) return "";
  const auto best = std::max_element(accuracies.rbegin(), accuracies.rend());
  return name_of({accuracies.rend() - best, 0, 0});
}

/// Returns checkpoint names with this extension (".part": unfinished ones), oldest first.
std::vector<std::string> names_in(const fs::path& folder, std::string_view extension) {
  std::vector<std::string> names;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(extension)) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

void CheckpointStore::save(const Checkpoint& checkpoint) const {
  make_folders(folder_);
  save_checkpoint(folder_ / name_of(checkpoint.position), checkpoint);
  prune(checkpoint);
}

fs::path CheckpointStore::save_diagnostic(const Checkpoint& checkpoint) const {
  make_folders(folder_);
  fs::path path = folder_ / std::string(kDiagnostic).append(name_of(checkpoint.position));
  save_checkpoint(path, checkpoint);
  return path;
}

void CheckpointStore::prune(const Checkpoint& newest) const {
  std::error_code ignored;  // a file that cannot be removed only takes space
  for (const std::string& part : names_in(folder_, ".part")) fs::remove(folder_ / part, ignored);
  const std::string best = best_name(newest.accuracies);
  std::vector<std::string> names = names_in(folder_, kExtension);
  // Later checkpoints must be unreadable, or the run would have resumed from them.
  const std::string last = name_of(newest.position);
  while (!names.empty() && names.back() > last) {
    fs::rename(folder_ / names.back(), folder_ / (names.back() + ".damaged"), ignored);
    names.pop_back();
  }
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep_) < names.size(); ++i) {
    if (names[i] != best) fs::remove(folder_ / names[i], ignored);
  }
}

std::optional<CheckpointStore::Found> CheckpointStore::newest(
    const std::function<void(const std::string&)>& damaged) const {
  std::vector<std::string> names = names_in(folder_, kExtension);
  std::ranges::reverse(names);
  for (const std::string& name : names) {
    const fs::path path = folder_ / name;
    try {
      return Found{load_checkpoint(path), path};
    } catch (const Error& error) {
      damaged(error.what());
    }
  }
  return {};
}

}  // namespace bptplr
