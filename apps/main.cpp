// The `bptplr` command: parses, calls, and turns what goes wrong into a sentence and an exit code:
// 1 for what the user can mend (and for bugs), 2 for a command line that means nothing.
#include <fmt/format.h>
#include <omp.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "apps/build_info.hpp"
#include "apps/commands.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"

namespace bptplr {

int use_threads(long long threads) {
  if (threads > 0) omp_set_num_threads(static_cast<int>(threads));
  return omp_get_max_threads();
}

namespace {

int fail(const char* sentence) {
  std::fflush(stdout);
  fmt::print(stderr, "bptplr: error: {}\n", sentence);
  return 1;
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "bptplr" : "bptplr " + chosen.front()->get_name();
  std::string sentence = error.what();
  // CLI11 says only that a subcommand is missing where there is one that it does not know.
  if (chosen.empty() && app.remaining_size() > 0) {
    sentence = fmt::format(
        "there is no '{}' among train, compare, eval, audit, report, predict, data, bench "
        "and info",
        app.remaining().front());
  }
  fmt::print(stderr, "bptplr: error: {}\nRun `{} --help` for the options.\n", sentence, command);
  return 2;
}

int run(int argc, char** argv) {
  CLI::App app("Trains image classifiers through wrong labels with BPT-PLR.", "bptplr");
  app.set_version_flag("--version", fmt::format("bptplr {}", build_info().version));
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  Action action;
  add_train_command(app, action);
  add_compare_command(app, action);
  add_eval_command(app, action);
  add_audit_command(app, action);
  add_report_command(app, action);
  add_predict_command(app, action);
  add_data_command(app, action);
  add_bench_command(app, action);
  add_info_command(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version arrive here too, with the code 0.
    return error.get_exit_code() == 0 ? app.exit(error) : usage_error(app, error);
  }
  return action();
}

}  // namespace
}  // namespace bptplr

int main(int argc, char** argv) {
  bptplr::keep_freed_memory();
  try {
    return bptplr::run(argc, argv);
  } catch (const std::bad_alloc&) {
    return bptplr::fail(bptplr::kOutOfMemory);
  } catch (const std::exception& error) {
    return bptplr::fail(error.what());
  }
}
