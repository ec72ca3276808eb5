#include "bpt_plr/train/pretrained.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "bpt_plr/recipe/network.hpp"
#include "engine/error.hpp"
#include "engine/io/torch/pth.hpp"

namespace bptplr {
namespace {

/// Names that wrappers of networks (DistributedDataParallel, torch.compile, Lightning, MoCo, ...)
/// give to the network within.
constexpr std::string_view kWrappers[] = {"module.",    "_orig_mod.",    "model.",   "backbone.",
                                          "encoder_q.", "base_encoder.", "encoder.", "net.",
                                          "network.",   "student.",      "teacher."};

/// Deepest nesting of wrappers that is looked at.
constexpr int kMaxWrappers = 8;

bool is_counter(const std::string& name) {
  return name.ends_with("num_batches_tracked");
}

/// Returns what all names begin with.
std::string shared_prefix(const TensorMap& state) {
  if (state.empty()) return "";
  // The map is in order, so that the first and the last name differ earliest.
  const std::string& first = state.begin()->first;
  const std::string& last = state.rbegin()->first;
  const auto size = std::min(first.size(), last.size());
  const auto end =
      std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(size), last.begin());
  return {first.begin(), end.first};
}

/// Returns the prefixes that may be dropped from names of `state`, "" among them: names of
/// wrappers, and whole parts that all names share.
std::set<std::string> possible_prefixes(const TensorMap& state) {
  const std::string shared = shared_prefix(state);
  std::set<std::string> prefixes{""};
  for (const auto& [name, tensor] : state) {
    std::size_t end = 0;
    for (int depth = 0; depth < kMaxWrappers; ++depth) {
      const std::size_t dot = name.find('.', end);
      if (dot == std::string::npos) break;
      const std::string_view part = std::string_view(name).substr(end, dot + 1 - end);
      const bool is_wrapper = std::ranges::find(kWrappers, part) != std::end(kWrappers);
      if (!is_wrapper && dot >= shared.size()) break;
      end = dot + 1;
      prefixes.insert(name.substr(0, end));
    }
  }
  return prefixes;
}

/// Returns the prefix without which most tensors match those of the network, the shortest of
/// several.
std::string best_prefix(const TensorMap& state, const TensorMap& network) {
  std::string best;
  std::tuple<int, int> most{-1, -1};
  for (const std::string& prefix : possible_prefixes(state)) {
    int fits = 0;
    int named = 0;
    for (const auto& [name, tensor] : network) {
      const auto found = state.find(prefix + name);
      if (found == state.end()) continue;
      ++named;
      fits += found->second.shape() == tensor.shape() ? 1 : 0;
    }
    const std::tuple<int, int> matches{fits, named};
    if (matches > most || (matches == most && prefix.size() < best.size())) {
      best = prefix;
      most = matches;
    }
  }
  return best;
}

/// Returns the tensors whose names begin with `prefix`, without it; float64 becomes float32.
TensorMap float32_without_prefix(const TensorMap& state, const std::string& prefix) {
  TensorMap renamed;
  for (const auto& [name, tensor] : state) {
    if (!name.starts_with(prefix)) continue;
    const bool is_double = tensor.dtype() == DType::kFloat64;
    renamed.emplace(name.substr(prefix.size()), is_double ? tensor.to(DType::kFloat32) : tensor);
  }
  return renamed;
}

/// Fills the report's lists of names.
void list_unmatched(PretrainedReport& report, const TensorMap& state, const TensorMap& network) {
  for (const auto& [name, tensor] : state) {
    const auto ours = name.starts_with(report.prefix)
                          ? network.find(name.substr(report.prefix.size()))
                          : network.end();
    const bool is_used = ours != network.end() && ours->second.shape() == tensor.shape();
    if (!is_used && !is_counter(name)) report.unused.push_back(name);
  }
  for (const auto& [name, tensor] : network) {
    if (!is_counter(name) && !state.contains(report.prefix + name)) report.missing.push_back(name);
  }
}

}  // namespace

std::string first_names(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return names.empty() ? "none" : text;
}

PretrainedReport load_pretrained(const std::filesystem::path& file,
                                 const std::vector<Network*>& networks) {
  const TensorMap state = load_weights(file);
  PretrainedReport report;
  if (networks.empty()) return report;
  const TensorMap before = networks.front()->named().state_dict();
  report.prefix = best_prefix(state, before);
  list_unmatched(report, state, before);
  const TensorMap renamed = float32_without_prefix(state, report.prefix);
  for (Network* network : networks) {
    report.match = network->named().load_matching(renamed);
    require(report.match.taken > 0,
            "{}: none of its {} tensors agrees with one of the network in name and shape: its are "
            "{}, those of the network {}; check --arch and --width, or --pretrained",
            file.string(), state.size(), first_names(report.unused), first_names(report.missing));
  }
  return report;
}

void check_pretrained(Recipe recipe) {
  if (recipe.pretrained.empty()) return;
  // The number of classes is unknown before the data are loaded; the classifier need not match.
  if (recipe.num_class == 0) recipe.num_class = 2;
  const auto network = make_network(recipe, 0);
  load_pretrained(recipe.pretrained, {network.get()});
}

}  // namespace bptplr
