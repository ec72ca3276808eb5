// Files of torch.save: a pickle that describes values, and the memory of tensors beside it, in a
// zip archive (since PyTorch 1.6) or in one stream. Executes nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/io/budget.hpp"
#include "engine/io/torch/pickle.hpp"
#include "engine/io/zip.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// File of torch.save in memory. Objects other than those that Pickle reads are kForeign.
class TorchFile {
 public:
  /// Parses `bytes`; `name` is the file's name in errors. Throws Error when they are damaged or of
  /// another format.
  TorchFile(std::string bytes, std::string name);

  /// Returns whether bytes begin as a file of torch.save does.
  static bool recognises(std::string_view bytes);

  const PickleValue& root() const { return pickle_->root(); }

  /// Returns whether the value is a tensor of elements that read() knows.
  static bool is_readable(const PickleValue& value);
  /// Returns a tensor of the file, contiguous, with its type as in engine/io/elements.hpp; `name`
  /// is the tensor's in errors. Throws Error when it does not lie within its memory.
  Tensor read(const PickleValue& tensor, const std::string& name);

 private:
  void open_archive();
  void open_stream();
  std::string_view storage_bytes(const PickleValue& storage);

  std::string name_;
  std::string bytes_;                  ///< of a stream
  std::optional<ZipArchive> archive_;  ///< empty for a stream
  std::string folder_;                 ///< in the archive
  std::unique_ptr<Pickle> pickle_;
  std::unordered_map<std::string_view, std::string_view> storages_;  ///< those found, by key
  Budget budget_;
};

}  // namespace bptplr
