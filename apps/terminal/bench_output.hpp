// What `bptplr bench` found, for people and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bpt_plr/train/benchmark.hpp"

namespace bptplr {

/// Tables of phases and of families of kernels, and a last line of names and values for scripts.
void print_tables(const BenchmarkResult& result);
/// The same, and the paths of ranges of each step as they were measured.
nlohmann::ordered_json to_json(const BenchmarkResult& result);

/// A line for each of several results, of which one size differs: `value` is that size.
void print_scaling_header(const std::string& size);
void print_scaling_line(std::int64_t value, const BenchmarkResult& result);

}  // namespace bptplr
