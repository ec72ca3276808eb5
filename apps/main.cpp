// The `bptplr` command: parses arguments, runs a subcommand, and turns exceptions into a sentence
// and an exit code: 1 for errors of the input (and bugs), 2 for an invalid command line.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "apps/build_info.hpp"
#include "apps/command_line.hpp"
#include "apps/commands.hpp"
#include "apps/help_format.hpp"
#include "apps/terminal/stop_signals.hpp"
#include "apps/terminal/terminal.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "engine/communicator/launch.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"
#include "engine/memory.hpp"

namespace bptplr {

namespace {

constexpr const char* kLostOutput =
    "not all output could be written to stdout; free some space, or send it elsewhere";

/// Opens closed standard streams, so that files opened later do not take their descriptors and
/// receive their text.
void open_standard_files() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(file, F_GETFD) == -1) static_cast<void>(::open("/dev/null", O_RDWR));
  }
}

/// Ends the program with a sentence when an exception for want of memory meets a function that may
/// throw none, such as a destructor of a library. What is on the disk is whole.
[[noreturn]] void on_terminate() {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    for (const std::string_view part : {"bptplr: error: ", kOutOfMemory, "\n"}) {
      static_cast<void>(!::write(STDERR_FILENO, part.data(), part.size()));
    }
    ::_exit(1);
  } catch (...) {
  }
  std::abort();
}

/// Ends the program with a sentence; of several ranks, all.
int fail(const char* sentence) {
  std::fflush(stdout);
  if (Communicator* group = joined_group()) group->fail(sentence);
  // Before the ranks have met, the first one's end is mostly that of all.
  const Launch launch = read_launch();
  if (launch.rank > 0) std::this_thread::sleep_for(std::chrono::seconds(2));
  print_error(launch.rank > 0 ? fmt::format("rank {}: {}", launch.rank, sentence)
                              : std::string(sentence));
  return 1;
}

/// Throws Error where several processes were started for what one does.
void require_alone(const std::string& command) {
  const Launch launch = read_launch();
  const bool shares = command == "train" || command == "bench" || command == "compare";
  require(launch.size == 1 || shares,
          "{} started {} processes, but bptplr {} runs in one; start it alone", launch.launcher,
          launch.size, command);
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  if (read_launch().rank > 0) return 2;  // the first rank says it
  const auto chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "bptplr" : "bptplr " + chosen.front()->get_name();
  print_error(usage_sentence(app, error));
  write_to_stderr(fmt::format("Run `{} --help` for the options.\n", command));
  return 2;
}

int run(int argc, char** argv) {
  CLI::App app("Trains image classifiers through wrong labels with BPT-PLR.", "bptplr");
  app.set_version_flag("-V,--version", fmt::format("bptplr {}", build_info().version));
  app.require_subcommand(1);
  app.formatter(std::make_shared<HelpFormat>());
  Action action;
  add_train_command(app, action);
  add_compare_command(app, action);
  add_eval_command(app, action);
  add_audit_command(app, action);
  add_report_command(app, action);
  add_predict_command(app, action);
  add_export_command(app, action);
  add_features_command(app, action);
  add_clean_command(app, action);
  add_data_command(app, action);
  add_cache_command(app, action);
  add_bench_command(app, action);
  add_info_command(app, action);
  add_manual_commands(app, action);
  refuse_empty_numbers(app);
  try {
    auto arguments = read_arguments(app, argc, argv);
    std::ranges::reverse(arguments);  // as CLI11 takes them
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    // --help and --version arrive here too, with the code 0.
    return error.get_exit_code() == 0 ? app.exit(error) : usage_error(app, error);
  }
  require_alone(app.get_subcommands().front()->get_name());
  const int code = action();
  if (Communicator* group = joined_group()) group->leave();
  return code;
}

}  // namespace
}  // namespace bptplr

int main(int argc, char** argv) {
  bptplr::open_standard_files();
  std::set_terminate(bptplr::on_terminate);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is an error like a full disk
  bptplr::keep_freed_memory();
  try {
    const int code = bptplr::run(argc, argv);
    const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
    return code == 0 && lost ? bptplr::fail(bptplr::kLostOutput) : code;
  } catch (const bptplr::Interrupted& interrupted) {
    std::fflush(stdout);
    bptplr::end_by_signal(interrupted.signal);
  } catch (const std::bad_alloc&) {
    return bptplr::fail(bptplr::kOutOfMemory);
  } catch (const nlohmann::json::exception& error) {
    return bptplr::fail(
        fmt::format(
            "a JSON file of the run is not as bptplr wrote it: {}; restore it, or train again",
            bptplr::without_prefix(error.what()))
            .c_str());
  } catch (const std::exception& error) {
    // An exception from printing does not say that stdout failed.
    return bptplr::fail(std::ferror(stdout) != 0 ? bptplr::kLostOutput : error.what());
  }
}
