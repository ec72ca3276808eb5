// Parses the pickle opcodes that image data sets and PyTorch weights use. Executes nothing: objects
// of numpy and PyTorch are recognised by name and read as plain structure; other objects are
// errors, or skipped unread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

/// Value in a pickle. `text` points into the bytes that the Pickle owns.
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
    kStorage,  ///< memory of PyTorch tensors, stored outside the pickle
    kTensor,
    kForeign  ///< any other object, unread
  };

  Kind kind = Kind::kNone;
  std::int64_t integer = 0;  ///< kBool, kInteger; kStorage: number of elements
  double number = 0.0;       ///< kFloat
  /// kText (bytes or UTF-8), kGlobal ("module name"), kArray (its data), kStorage (its key),
  /// kForeign ("module name" of its class or function, if known)
  std::string_view text;
  /// kDtype, kArray: numpy's type string, e.g. "u1"; kStorage: PyTorch's, e.g. "FloatStorage"
  std::string_view dtype;
  /// kList, kTuple; kDict: key, value, ...; kArray: shape; kTensor: storage, offset, shape and
  /// strides, in elements
  std::vector<const PickleValue*> items;

  /// Returns the value of `key` in a dict whose keys are str or bytes; nullptr if there is none or
  /// this is not a dict.
  const PickleValue* find(std::string_view key) const;
};

/// What to do about Python objects that are not read.
enum class ForeignObjects {
  kRefuse,  ///< the file is an error
  kSkip     ///< they are of kind kForeign, whatever is in them
};

/// Parsed pickle: protocol 2 as written by Python 2, or protocols 2 to 5 by Python 3, with None,
/// bool, int, float, bytes, str, list, tuple, dict, OrderedDict, C-ordered numpy arrays (arrays of
/// Python objects become lists) and PyTorch tensors.
class Pickle {
 public:
  /// Parses `bytes`; `name` is the file's name in errors. Throws Error when they end early, contain
  /// anything else, or have more operations than any file of data sets or weights.
  Pickle(std::string bytes, std::string name);
  Pickle(std::string bytes, std::string name, ForeignObjects foreign);
  /// Parses the pickle that `bytes` begins with, which outlive the result.
  Pickle(std::string_view bytes, std::string name, ForeignObjects foreign);
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  const PickleValue& root() const { return *root_; }
  /// Returns the number of bytes that the pickle takes.
  std::size_t size() const { return size_; }
  /// Returns the storages of tensors, each as often as it is mentioned.
  std::vector<const PickleValue*> storages() const;

 private:
  friend class Unpickler;

  std::string owned_;
  std::string_view bytes_;
  std::string name_;
  std::deque<PickleValue> values_;   // all values; they refer to each other by address
  std::deque<std::string> decoded_;  // texts that are not stored verbatim in the file
  std::size_t size_ = 0;
  const PickleValue* root_ = nullptr;
};

}  // namespace bptplr
