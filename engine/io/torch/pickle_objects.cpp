#include "engine/io/torch/pickle_objects.hpp"

#include <algorithm>

namespace bptplr::pickle_objects {
namespace {

using Kind = PickleValue::Kind;
using Items = std::vector<const PickleValue*>;

constexpr std::string_view kReconstruct = "numpy.core.multiarray _reconstruct";
constexpr std::string_view kReconstructNumpy2 = "numpy._core.multiarray _reconstruct";
constexpr std::string_view kNdarray = "numpy ndarray";
constexpr std::string_view kDtype = "numpy dtype";
constexpr std::string_view kEncode = "_codecs encode";
constexpr std::string_view kOrderedDict = "collections OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kTorch = "torch ";

/// Names of the accepted classes and functions, none of which is ever called.
constexpr std::string_view kKnown[] = {kReconstruct,
                                       kReconstructNumpy2,
                                       kNdarray,
                                       kDtype,
                                       kEncode,
                                       kOrderedDict,
                                       kRebuildTensor,
                                       kRebuildParameter,
                                       "torch FloatStorage",
                                       "torch DoubleStorage",
                                       "torch HalfStorage",
                                       "torch BFloat16Storage",
                                       "torch LongStorage",
                                       "torch IntStorage",
                                       "torch ShortStorage",
                                       "torch CharStorage",
                                       "torch ByteStorage",
                                       "torch BoolStorage"};

constexpr std::size_t kMaxAxes = 8;

/// Returns whether the value is a tuple of at most kMaxAxes integers.
bool is_sizes(const PickleValue& value) {
  return value.kind == Kind::kTuple && value.items.size() <= kMaxAxes &&
         std::all_of(value.items.begin(), value.items.end(),
                     [](const PickleValue* item) { return item->kind == Kind::kInteger; });
}

/// Reads (storage, offset, shape, strides, requires_grad, hooks); later versions append metadata.
const char* rebuild_tensor(const Items& items, PickleValue& result) {
  if (items.size() < 4 || items[0]->kind != Kind::kStorage || items[1]->kind != Kind::kInteger ||
      !is_sizes(*items[2]) || !is_sizes(*items[3]) ||
      items[2]->items.size() != items[3]->items.size()) {
    return "a tensor that is not stored as (storage, offset, shape, strides, ...)";
  }
  result.kind = Kind::kTensor;
  result.items.assign(items.begin(), items.begin() + 4);
  return nullptr;
}

/// Reads (version, shape, type, order, data).
const char* set_array_state(PickleValue& array, const Items& state) {
  if (state.size() != 5 || state[1]->kind != Kind::kTuple || state[2]->kind != Kind::kDtype ||
      state[3]->kind != Kind::kBool) {
    return "a numpy array that is not stored as (version, shape, type, order, data)";
  }
  if (state[2]->dtype.starts_with('O') && state[4]->kind == Kind::kList) {
    array.kind = Kind::kList;  // an array of Python objects becomes a list
    array.items = state[4]->items;
    return nullptr;
  }
  if (state[4]->kind != Kind::kText) return "a numpy array whose data are no bytes";
  if (state[3]->integer != 0) return "a numpy array in Fortran order, C order is expected";
  if (state[1]->items.size() > 4) return "a numpy array of more than four dimensions";
  if (!is_sizes(*state[1])) return "a numpy array with a side that is no integer";
  array.items = state[1]->items;
  array.dtype = state[2]->dtype;
  array.text = state[4]->text;
  return nullptr;
}

}  // namespace

std::string_view known_name(std::string_view full_name) {
  const auto* found = std::find(std::begin(kKnown), std::end(kKnown), full_name);
  return found == std::end(kKnown) ? std::string_view() : *found;
}

std::string printable(std::string_view name) {
  std::string text(name);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

bool encodes_bytes(std::string_view callee) {
  return callee == kEncode;
}

const char* construct(std::string_view callee, const PickleValue& arguments, PickleValue& result) {
  const Items& items = arguments.items;
  if (callee == kReconstruct || callee == kReconstructNumpy2) {
    result.kind = Kind::kArray;
  } else if (callee == kDtype) {
    if (items.empty() || items[0]->kind != Kind::kText) return "a numpy type without a name";
    result.kind = Kind::kDtype;
    result.dtype = items[0]->text;
  } else if (callee == kOrderedDict) {
    if (!items.empty()) return "an OrderedDict that is not filled item by item";
    result.kind = Kind::kDict;
  } else if (callee == kRebuildTensor) {
    return rebuild_tensor(items, result);
  } else if (callee == kRebuildParameter) {
    if (items.empty() || items[0]->kind != Kind::kTensor) return "a parameter without a tensor";
    result = *items[0];
  } else {
    return "a call that neither data sets nor weights make";
  }
  return nullptr;
}

const char* set_state(PickleValue& object, const PickleValue& state) {
  // Ignored: the byte order of a numpy type, as elements are single bytes, and the module versions
  // in an OrderedDict of PyTorch.
  if (object.kind == Kind::kDtype && state.kind == Kind::kTuple) return nullptr;
  if (object.kind == Kind::kDict && state.kind == Kind::kDict) return nullptr;
  if (object.kind != Kind::kArray) return "a state for something else than a numpy object";
  if (state.kind != Kind::kTuple) return "an object state that is no tuple";
  return set_array_state(object, state.items);
}

const char* make_storage(const PickleValue& id, PickleValue& result) {
  const Items& items = id.items;
  if (id.kind != Kind::kTuple || items.size() < 5 || items[0]->kind != Kind::kText ||
      items[0]->text != "storage" || items[1]->kind != Kind::kGlobal ||
      !items[1]->text.starts_with(kTorch) || items[2]->kind != Kind::kText ||
      items[4]->kind != Kind::kInteger) {
    return "a reference to outside that is no storage of PyTorch";
  }
  result.kind = Kind::kStorage;
  result.dtype = items[1]->text.substr(kTorch.size());
  result.text = items[2]->text;
  result.integer = items[4]->integer;
  return nullptr;
}

}  // namespace bptplr::pickle_objects
