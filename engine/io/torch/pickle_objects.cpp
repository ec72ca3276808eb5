#include "engine/io/torch/pickle_objects.hpp"

#include <algorithm>

namespace bptplr::pickle_objects {
namespace {

using Kind = PickleValue::Kind;
using Items = std::vector<const PickleValue*>;

constexpr std::string_view kReconstruct = "numpy.core.multiarray _reconstruct";
constexpr std::string_view kReconstructNumpy2 = "numpy._core.multiarray _reconstruct";
constexpr std::string_view kFromBuffer = "numpy.core.numeric _frombuffer";
constexpr std::string_view kFromBufferNumpy2 = "numpy._core.numeric _frombuffer";
constexpr std::string_view kNdarray = "numpy ndarray";
constexpr std::string_view kDtype = "numpy dtype";
constexpr std::string_view kEncode = "_codecs encode";
constexpr std::string_view kOrderedDict = "collections OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kRebuildOldTensor = "torch._utils _rebuild_tensor";
constexpr std::string_view kRebuildParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kTorch = "torch ";

/// Names of the accepted classes and functions, none of which is ever called.
constexpr std::string_view kKnown[] = {kReconstruct,
                                       kReconstructNumpy2,
                                       kFromBuffer,
                                       kFromBufferNumpy2,
                                       kNdarray,
                                       kDtype,
                                       kEncode,
                                       kOrderedDict,
                                       kRebuildTensor,
                                       kRebuildOldTensor,
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

/// Type of elements of another byte order, which none reads.
constexpr std::string_view kBigEndian = "> (big-endian)";

/// Returns whether the value is a tuple of at most kMaxAxes integers.
bool is_sizes(const PickleValue& value) {
  return value.kind == Kind::kTuple && value.items.size() <= kMaxAxes &&
         std::all_of(value.items.begin(), value.items.end(),
                     [](const PickleValue* item) { return item->kind == Kind::kInteger; });
}

/// Returns whether the value is a class, known or not.
bool is_class(const PickleValue& value) {
  return value.kind == Kind::kGlobal || value.kind == Kind::kForeign;
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

/// Fills an array; `in_fortran_order` says how its elements are arranged.
const char* set_array(PickleValue& array, const PickleValue& shape, const PickleValue& type,
                      bool in_fortran_order, const PickleValue& data) {
  if (data.kind != Kind::kText) return "a numpy array whose data are no bytes";
  if (in_fortran_order) return "a numpy array in Fortran order, C order is expected";
  if (shape.items.size() > 4) return "a numpy array of more than four dimensions";
  if (!is_sizes(shape)) return "a numpy array with a side that is no integer";
  array.kind = Kind::kArray;
  array.items = shape.items;
  array.dtype = type.dtype;
  array.text = data.text;
  return nullptr;
}

/// Reads (data, type, shape, order), which protocol 5 stores.
const char* array_from_buffer(const Items& items, PickleValue& result) {
  if (items.size() != 4 || items[1]->kind != Kind::kDtype || items[2]->kind != Kind::kTuple ||
      items[3]->kind != Kind::kText) {
    return "a numpy array that is not stored as (data, type, shape, order)";
  }
  return set_array(result, *items[2], *items[1], items[3]->text != "C", *items[0]);
}

/// Reads the list of [key, value] that Python 2 stores.
const char* dict_from_pairs(const Items& items, PickleValue& result) {
  if (items.size() != 1 || items[0]->kind != Kind::kList) return "a dict of something else";
  for (const PickleValue* pair : items[0]->items) {
    if (pair->items.size() != 2 || (pair->kind != Kind::kList && pair->kind != Kind::kTuple)) {
      return "a dict whose items are no pairs";
    }
    result.items.insert(result.items.end(), pair->items.begin(), pair->items.end());
  }
  result.kind = Kind::kDict;
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
  return set_array(array, *state[1], *state[2], state[3]->integer != 0, *state[4]);
}

}  // namespace

std::string_view known_name(std::string_view full_name) {
  const auto* found = std::find(std::begin(kKnown), std::end(kKnown), full_name);
  return found == std::end(kKnown) ? std::string_view() : *found;
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
    result.kind = Kind::kDict;
    if (!items.empty()) return dict_from_pairs(items, result);
  } else if (callee == kFromBuffer || callee == kFromBufferNumpy2) {
    return array_from_buffer(items, result);
  } else if (callee == kRebuildTensor || callee == kRebuildOldTensor) {
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
  if (object.kind == Kind::kDtype && state.kind == Kind::kTuple) {
    const bool is_big_endian = state.items.size() > 1 && state.items[1]->text == ">";
    if (is_big_endian) object.dtype = kBigEndian;
    return nullptr;
  }
  if (object.kind == Kind::kForeign) return nullptr;
  // Ignored: the module versions in an OrderedDict of PyTorch.
  if (object.kind == Kind::kDict && state.kind == Kind::kDict) return nullptr;
  if (object.kind != Kind::kArray) return "a state for something else than a numpy object";
  if (state.kind != Kind::kTuple) return "an object state that is no tuple";
  return set_array_state(object, state.items);
}

const char* make_storage(const PickleValue& id, PickleValue& result) {
  const Items& items = id.items;
  if (id.kind != Kind::kTuple || items.size() < 5 || items[0]->kind != Kind::kText ||
      items[0]->text != "storage" || !is_class(*items[1]) || !items[1]->text.starts_with(kTorch) ||
      !items[1]->text.ends_with("Storage") || items[2]->kind != Kind::kText ||
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
