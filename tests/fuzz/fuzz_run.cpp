// Fuzzes the files of a run and of a comparison: the first byte selects one.
#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/results/compare/comparison.hpp"
#include "bpt_plr/results/compare/folder.hpp"
#include "bpt_plr/results/report/history.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace {

namespace fs = std::filesystem;

enum File { kConfig, kClasses, kData, kMetrics, kSelection, kCheckpoint, kRuns, kFiles };
constexpr const char* kNames[] = {"config.json",   "classes.json",    "data.csv",
                                  "metrics.jsonl", "selection.jsonl", "epoch.safetensors",
                                  "cmp/runs.jsonl"};

/// Reads the course of a run as a report, a comparison and the audit do.
void read_history(const bptplr::RunFolder& run) {
  const bptplr::RunHistory history{run.read_metrics(), run.read_selection()};
  bptplr::Recipe recipe;
  recipe.num_class = 2;
  const std::vector<std::int64_t> labels{0, 1, 1, 0};
  bptplr::report_result(history);
  bptplr::report_curves(history);
  bptplr::report_selection(history, recipe, labels, labels);
  bptplr::report_balance(history, recipe, labels);
  bptplr::training_seconds(history);
  bptplr::trained_on_partition(run);
  run.rewind(3);
  bptplr::ComparedRun compared;
  bptplr::take_results(compared, history.metrics);
}

void read_config(const bptplr::RunFolder& run) {
  bptplr::Recipe recipe = run.read_config();
  bptplr::resolve(recipe);
}

void read(File kind, const fs::path& folder) {
  if (kind == kCheckpoint) bptplr::load_checkpoint(folder / kNames[kind]);
  if (kind == kRuns) bptplr::ComparisonFolder::open(folder / "cmp");
  if (kind == kCheckpoint || kind == kRuns) return;
  const auto run = bptplr::RunFolder::open(folder);
  if (kind == kConfig) read_config(run);
  if (kind == kClasses) run.read_classes();
  if (kind == kData) run.read_data_record();
  if (kind == kMetrics || kind == kSelection) read_history(run);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fs::path folder = bptplr::fuzz_folder().path();
  fs::create_directories(folder / "cmp");
  for (const char* name : kNames) fs::remove(folder / name);
  bptplr::fuzz_folder().write(kNames[kConfig], reinterpret_cast<const std::uint8_t*>("{}"), 2);
  const auto kind = static_cast<File>(data[0] % kFiles);
  bptplr::fuzz_folder().write(kNames[kind], data + 1, size - 1);
  return bptplr::parse([&] {
    try {
      read(kind, folder);
    } catch (const nlohmann::json::exception&) {  // the program makes a sentence of it
    }
  });
}
