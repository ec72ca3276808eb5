// `bptplr report RUN`: writes a run's report as one HTML page.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/choice_flag.hpp"
#include "apps/commands.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/terminal.hpp"
#include "bpt_plr/results/report/page.hpp"
#include "bpt_plr/results/report/report.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

struct ReportCommandOptions {
  std::string run;
  std::string out;
  ReportOptions report;
  long long threads = 0;
  bool json = false;
};

int report(const ReportCommandOptions& options) {
  use_threads(options.threads);
  const RunFolder folder = RunFolder::open(options.run);
  nlohmann::ordered_json report;
  {
    const StopSignal signal;
    LoadProgress loading(signal);
    report = make_report(folder, options.report, loading.report());
  }
  if (options.json) {
    fmt::print("{}\n", to_text(report, 2));
    return 0;
  }
  const std::filesystem::path out =
      options.out.empty() ? folder.path() / "report.html" : output_file(options.out);
  const std::string page = report_page(report);
  write_file_atomically(out, page);
  fmt::print("the page needs no other file; open it in a browser\n");
  say_last(fmt::format("bytes {} out {}", page.size(), out.string()));
  return 0;
}

}  // namespace

void add_report_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("report", "Show a run as one HTML page.");
  const auto options = std::make_shared<ReportCommandOptions>();
  command->add_option("RUN", options->run, "folder that `bptplr train` wrote to")
      ->type_name("DIR")
      ->required();
  command->add_option("--out", options->out, "file to write; empty: RUN/report.html")
      ->type_name("FILE");
  command->add_option("--top", options->report.top, "how many of the most suspect labels to show")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  command
      ->add_option("--data_path", options->report.data_path,
                   "folder of the data set, where it has moved since")
      ->type_name("PATH");
  add_choice(*command, "--judge", options->report.judge.judge, "as bptplr audit");
  command->add_option("--folds", options->report.judge.folds, "as bptplr audit")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  add_choice(*command, "--device", options->report.device, "auto, cpu or cuda");
  command->add_option("--threads", options->threads, "CPU threads; 0: all")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--json", options->json,
                    "print what the page shows as JSON, and write no page");
  command->callback([&action, options] { action = [options] { return report(*options); }; });
}

}  // namespace bptplr
