// The subcommands of `bptplr`. Each adds itself to the parser; when the user chose it, it puts what
// is to be done into `action`, whose result is the exit code.
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
void add_bench_command(CLI::App& app, Action& action);
void add_info_command(CLI::App& app, Action& action);

/// The sentence of an error for lack of memory.
inline constexpr const char* kOutOfMemory =
    "there is not enough memory; use a smaller --batch_size, --width or --subset";

/// Exit code of training that stopped before its end and can go on.
inline constexpr int kStopped = 3;

}  // namespace bptplr
