#include "engine/io/torch/pth.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/torch/pickle_objects.hpp"
#include "engine/io/torch/torch_file.hpp"

namespace bptplr {
namespace {

using Kind = PickleValue::Kind;

/// Entries that state dicts are stored under, those to prefer first.
constexpr std::string_view kWrappers[] = {
    "state_dict", "model_state_dict", "model_state",    "model",   "net",     "network",
    "module",     "params",           "params_ema",     "weights", "teacher", "student",
    "model_ema",  "state_dict_ema",   "ema_state_dict", "ema"};

bool has_tensors(const PickleValue& value) {
  if (value.kind != Kind::kDict) return false;
  for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
    if (value.items[i]->kind == Kind::kText && TorchFile::is_readable(*value.items[i + 1])) {
      return true;
    }
  }
  return false;
}

/// Looks for a state dict in what is wrapped in each other. A dict may contain itself, and be
/// mentioned in many places, so each is looked at once.
class StateFinder {
 public:
  /// Returns the dict of tensors in `value`, which may be in an entry of it; nullptr if there is
  /// none.
  const PickleValue* find(const PickleValue& value, int depth = 0) {
    if (value.kind != Kind::kDict || depth > kMaxDepth || !seen_.insert(&value).second) {
      return nullptr;
    }
    for (const std::string_view key : kWrappers) {
      const PickleValue* nested = value.find(key);
      const PickleValue* state = nested == nullptr ? nullptr : find(*nested, depth + 1);
      if (state != nullptr) return state;
    }
    return has_tensors(value) ? &value : nullptr;
  }

 private:
  static constexpr int kMaxDepth = 4;

  std::unordered_set<const PickleValue*> seen_;
};

/// Returns the only dict of tensors among the entries of `value`, whatever it is called; nullptr if
/// there is none or more than one.
const PickleValue* find_only_state(const PickleValue& value) {
  if (value.kind != Kind::kDict) return nullptr;
  const PickleValue* only = nullptr;
  for (std::size_t i = 1; i < value.items.size(); i += 2) {
    if (!has_tensors(*value.items[i])) continue;
    if (only != nullptr) return nullptr;
    only = value.items[i];
  }
  return only;
}

/// Returns what the file is or has in place of a state dict, for errors.
std::string describe(const PickleValue& root) {
  if (root.kind == Kind::kForeign) {
    return fmt::format("it is a whole Python object{}, which only its own code can read",
                       root.text.empty() ? "" : fmt::format(" ('{}')", quotable(root.text)));
  }
  if (root.kind != Kind::kDict) return "it is a single value";
  constexpr std::size_t kShown = 6;
  std::string names;
  for (std::size_t i = 0; i < std::min(root.items.size(), 2 * kShown); i += 2) {
    const std::string_view key =
        root.items[i]->kind == Kind::kText ? root.items[i]->text.substr(0, 40) : "?";
    const PickleValue& value = *root.items[i + 1];
    names += fmt::format("{}'{}'{}", i == 0 ? "" : ", ", quotable(key),
                         value.kind == Kind::kForeign && !value.text.empty()
                             ? fmt::format(" (a '{}')", quotable(value.text))
                             : "");
  }
  return names.empty() ? "it is an empty dict" : "its entries are " + names;
}

}  // namespace

TensorMap load_pth(const std::filesystem::path& path) {
  return parse_pth(read_file(path), path.string());
}

TensorMap parse_pth(std::string bytes, const std::string& name) {
  TorchFile file(std::move(bytes), name);
  const PickleValue* state = StateFinder().find(file.root());
  if (state == nullptr) state = find_only_state(file.root());
  require(state != nullptr,
          "{} holds no tensors under names: {}; save model.state_dict() with torch.save", name,
          describe(file.root()));
  TensorMap tensors;
  for (std::size_t i = 0; i + 1 < state->items.size(); i += 2) {
    const PickleValue& key = *state->items[i];
    const PickleValue& value = *state->items[i + 1];
    if (key.kind != Kind::kText || !TorchFile::is_readable(value)) continue;
    const std::string tensor(key.text);
    tensors.insert_or_assign(tensor, file.read(value, tensor));
  }
  return tensors;
}

TensorMap load_weights(const std::filesystem::path& path) {
  std::string bytes = read_file(path);
  constexpr std::size_t kHeaderAt = 8;  // the header of a safetensors file is a JSON object
  const bool is_safetensors =
      path.extension() == ".safetensors" || (bytes.size() > kHeaderAt && bytes[kHeaderAt] == '{');
  if (is_safetensors && !TorchFile::recognises(bytes)) {
    return parse_safetensors(bytes, path.string());
  }
  return parse_pth(std::move(bytes), path.string());
}

}  // namespace bptplr
