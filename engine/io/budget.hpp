// What reading one file may cost. A small file can describe much: values that refer to each other,
// tensors over the same bytes, pictures of one colour. Every reader of files from outside counts
// what it holds and works through, and refuses a file that asks for more than its size deserves.
#pragma once

#include <cstdint>
#include <string>

namespace bptplr {

/// Limits in bytes: `base` + `each` * size of the file.
struct BudgetLimit {
  std::uint64_t base = 0;
  std::uint64_t each = 0;

  std::uint64_t of(std::uint64_t file_bytes) const { return base + each * file_bytes; }
};

/// Numbers and texts (pickle, .pth, safetensors): memory, and bytes that are read, copied or
/// checked.
inline constexpr BudgetLimit kHeldData{std::uint64_t{128} << 20, 16};
inline constexpr BudgetLimit kWorkedData{std::uint64_t{256} << 20, 64};
/// Pictures: memory beside the rows in flight. Compression makes a thousandth of a plain picture.
inline constexpr BudgetLimit kHeldPicture{std::uint64_t{128} << 20, 1024};
/// Pictures in several passes: pixels passed over, on top of one pass over the largest picture.
inline constexpr BudgetLimit kWorkedPicture{std::uint64_t{1} << 30, 2048};

/// Counts what reading a file of numbers costs.
class Budget {
 public:
  /// `file` is the name in errors.
  Budget(std::string file, std::uint64_t file_bytes);

  /// Counts bytes that are kept. Throws Error when they are too many for the file.
  void hold(std::uint64_t bytes) { spend(held_, bytes); }
  /// Counts bytes that are read, copied or checked. Throws Error likewise.
  void work(std::uint64_t bytes) { spend(worked_, bytes); }

 private:
  void spend(std::uint64_t& left, std::uint64_t bytes) const;

  std::string file_;
  std::uint64_t held_;    ///< bytes left
  std::uint64_t worked_;  ///< bytes left
};

}  // namespace bptplr
