// Prints the results of `bptplr bench`, as tables or as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bpt_plr/train/benchmark/benchmark.hpp"
#include "bpt_plr/train/benchmark/rank_benchmark.hpp"

namespace bptplr {

/// Prints tables of phases and kernel families, and a last line of names and values for scripts.
void print_tables(const BenchmarkResult& result);
/// Returns the content of the tables and the measured paths of ranges of each step.
nlohmann::ordered_json to_json(const BenchmarkResult& result);

/// Print a table of several results that differ in one size, whose value is `value`.
void print_scaling_header(const std::string& size);
void print_scaling_line(std::int64_t value, const BenchmarkResult& result);

/// Prints what an iteration of several ranks takes and exchanges, and a last line for scripts.
void print_ranks(const RankBenchmarkResult& result);
nlohmann::ordered_json to_json(const RankBenchmarkResult& result);

}  // namespace bptplr
