// What is done about lines of a run's logs that no run writes.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/error.hpp"
#include "engine/io/json.hpp"

namespace bptplr {

/// Calls fn, which looks at lines of metrics.jsonl and selection.jsonl of the run in `folder`.
/// Throws Error naming them for values of another kind than a run writes.
template <class Fn>
auto with_lines_of(const std::filesystem::path& folder, Fn&& fn) {
  try {
    return fn();
  } catch (const nlohmann::json::exception& error) {
    throw Error(
        "metrics.jsonl or selection.jsonl in {} has a line that no run writes ({}); restore the "
        "file, or train again",
        folder.string(), without_prefix(error.what()));
  }
}

}  // namespace bptplr
