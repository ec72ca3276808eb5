// Which ranks are lost and why, as a sentence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

/// How a rank was lost.
enum class LossKind {
  kDied,    ///< its connection was closed without a goodbye
  kSilent,  ///< no sign of life, or the network gave the connection up
  kAbsent,  ///< never connected
  kFailed   ///< by an error that it reported
};

struct Loss {
  int rank = 0;
  LossKind kind = LossKind::kDied;
  std::string sentence;  ///< what the rank reported, for kFailed
};

/// Returns how a rank was lost whose connection ended with an error number, 0 for none.
LossKind kind_of_end(int error);

/// Returns a sentence that names all that are lost, what came first first. `names`: by rank.
std::string losses_sentence(const std::vector<Loss>& losses, const std::vector<std::string>& names);

}  // namespace bptplr
