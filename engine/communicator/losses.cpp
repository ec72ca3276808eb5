#include "engine/communicator/losses.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>

#include "engine/text.hpp"

namespace bptplr {
namespace {

/// Ranks that are named; of more, the number is said.
constexpr std::size_t kMostNamed = 8;
/// Bytes of a reported sentence, so that several fit into one.
constexpr std::size_t kMostReported = 600;

/// Returns "A, B and C".
std::string listed(std::vector<std::string> items) {
  if (items.size() > kMostNamed) {
    const std::size_t more = items.size() - kMostNamed + 1;
    items.resize(kMostNamed - 1);
    items.push_back(fmt::format("{} more", more));
  }
  if (items.size() == 1) return items[0];
  const std::string last = items.back();
  items.pop_back();
  return fmt::format("{} and {}", fmt::join(items, ", "), last);
}

/// Returns the clause about ranks that were lost in the same way.
std::string clause(LossKind kind, const std::vector<std::string>& names) {
  std::string all = listed(names);
  const bool one = names.size() == 1;
  switch (kind) {
    case LossKind::kDied:
      return fmt::format("{} died; look at what {} printed, and with dmesg whether memory ran out",
                         all, one ? "it" : "they");
    case LossKind::kSilent:
      return fmt::format(
          "{} no longer answer{}; check that {} neither stopped nor cut off from the network", all,
          one ? "s" : "", one ? "it is" : "they are");
    case LossKind::kAbsent:
      return fmt::format(
          "{} did not connect to rank 0; check that {} started and that no firewall keeps hosts "
          "from connecting to each other",
          all, one ? "it" : "they");
    case LossKind::kFailed:
      break;
  }
  return all;
}

std::string failure_clause(const Loss& loss, const std::string& name) {
  return fmt::format("{} failed: {}", name, shortened(loss.sentence, kMostReported));
}

}  // namespace

LossKind kind_of_end(int error) {
  const bool closed = error == 0 || error == ECONNRESET || error == EPIPE;
  return closed ? LossKind::kDied : LossKind::kSilent;
}

std::string losses_sentence(const std::vector<Loss>& losses,
                            const std::vector<std::string>& names) {
  std::vector<std::string> clauses;
  std::vector<LossKind> said;
  for (const Loss& loss : losses) {
    const auto name = [&](const Loss& one) { return names.at(static_cast<std::size_t>(one.rank)); };
    if (loss.kind == LossKind::kFailed) {
      clauses.push_back(failure_clause(loss, name(loss)));
      continue;
    }
    if (std::ranges::find(said, loss.kind) != said.end()) continue;
    said.push_back(loss.kind);
    std::vector<std::string> alike;
    for (const Loss& other : losses) {
      if (other.kind == loss.kind) alike.push_back(name(other));
    }
    clauses.push_back(clause(loss.kind, alike));
  }
  return sentence_of(fmt::format("{}", fmt::join(clauses, "; also, ")));
}

}  // namespace bptplr
