// Comparisons of a second, for the tests of `bptplr compare`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "engine/io/json.hpp"
#include "tests/apps/run_app.hpp"

namespace bptplr {

/// Under a second of training, mostly for the method with partitions.
inline const std::string kTiny =
    "--dataset shapes --shapes_train 60 --shapes_test 20 --width 2 --blocks 1,1,1,1 --low_dim 16 "
    "--batch_size 16 --warm_up 1 --num_epochs 3 --r 0.4 --p_threshold 0.1 --threads 1 ";
inline const std::string kMethod = "bptplr";

/// Two quick labels with two seeds each, into `folder`/`out`.
inline std::string quick(const std::string& out) {
  return "compare ce fast.json --seeds 1,2 " + kTiny + "--out " + out + " ";
}

inline void write_fast_recipe(const TemporaryFolder& folder) {
  write_text(folder / "fast.json", R"({"method": "ce", "lr": 0.1})");
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

inline std::size_t count_lines(const std::string& text, const std::string& begin) {
  const std::vector<std::string> lines = lines_of(text);
  return static_cast<std::size_t>(std::ranges::count_if(
      lines, [&](const std::string& line) { return line.starts_with(begin); }));
}

/// runs.jsonl without what depends on the machine.
inline std::string timeless_runs(const std::string& comparison) {
  std::string text;
  for (const std::string& line : lines_of(read_text(comparison + "/runs.jsonl"))) {
    nlohmann::json json = parse_json(line);
    json.erase("seconds");
    json["recipe"].erase("out");
    json["recipe"].erase("max_hours");
    text += to_text(json) + "\n";
  }
  return text;
}

}  // namespace bptplr
