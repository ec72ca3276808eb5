// Subcommands of `bptplr`. Each adds itself to the parser and, if chosen, stores its work in
// `action`, which returns the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace bptplr {

using Action = std::function<int()>;

void add_train_command(CLI::App& app, Action& action);
void add_compare_command(CLI::App& app, Action& action);
void add_eval_command(CLI::App& app, Action& action);
void add_audit_command(CLI::App& app, Action& action);
void add_report_command(CLI::App& app, Action& action);
void add_predict_command(CLI::App& app, Action& action);
void add_data_command(CLI::App& app, Action& action);
void add_cache_command(CLI::App& app, Action& action);
void add_export_command(CLI::App& app, Action& action);
void add_features_command(CLI::App& app, Action& action);
void add_clean_command(CLI::App& app, Action& action);
void add_bench_command(CLI::App& app, Action& action);
void add_info_command(CLI::App& app, Action& action);
void add_manual_commands(CLI::App& app, Action& action);

/// Exit code of training that stopped early and can be resumed.
inline constexpr int kStopped = 3;

}  // namespace bptplr
