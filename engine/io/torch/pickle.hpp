// A reader for the few pickle opcodes that image data sets and PyTorch's weights are stored with.
// Nothing in the file is ever executed: the objects of numpy and PyTorch in it are recognised by
// name and read as plain structure, and any other object is an error.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

/// One value of a pickle. `text` points into the file that the Pickle keeps.
struct PickleValue {
  enum class Kind {
    kNone,
    kBool,
    kInteger,
    kFloat,
    kText,
    kList,
    kTuple,
    kDict,  ///< dict or OrderedDict
    kGlobal,
    kDtype,
    kArray,
    kStorage,  ///< the memory of PyTorch tensors, which lies outside the pickle
    kTensor
  };

  Kind kind = Kind::kNone;
  std::int64_t integer = 0;  ///< kBool, kInteger; kStorage: number of elements
  double number = 0.0;       ///< kFloat
  /// kText (bytes or UTF-8), kGlobal ("module name"), kArray (its data), kStorage (its key)
  std::string_view text;
  /// kDtype, kArray: numpy's type string, e.g. "u1"; kStorage: PyTorch's, e.g. "FloatStorage"
  std::string_view dtype;
  /// kList, kTuple; kDict: key, value, ...; kArray: shape; kTensor: storage, offset, shape and
  /// strides, in elements
  std::vector<const PickleValue*> items;

  /// The value under `key` of a dict whose keys are str or bytes; nullptr when there is none or
  /// this is not a dict.
  const PickleValue* find(std::string_view key) const;
};

/// A parsed pickle: protocol 2 as Python 2 writes it, or protocol 2 to 4 as Python 3 does, holding
/// None, bool, int, float, bytes, str, list, tuple, dict, OrderedDict, C-ordered numpy arrays
/// (those of Python objects as the list of these) and PyTorch tensors.
class Pickle {
 public:
  /// `name` is the file's name in errors. Throws Error when the bytes end early, hold anything else
  /// than the above, or more operations than any file of data sets or weights.
  Pickle(std::string bytes, std::string name);
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  const PickleValue& root() const { return *root_; }

 private:
  friend class Unpickler;

  std::string bytes_;
  std::string name_;
  std::deque<PickleValue> values_;   // all values; they refer to each other by address
  std::deque<std::string> decoded_;  // texts that do not lie in the file as they are
  const PickleValue* root_ = nullptr;
};

}  // namespace bptplr
