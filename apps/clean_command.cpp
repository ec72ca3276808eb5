// `bptplr clean DATA`: from mislabelled samples to a cleaned set, in one command.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/choice_flag.hpp"
#include "apps/commands.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/stop_signals.hpp"
#include "apps/terminal/terminal.hpp"
#include "apps/terminal/training_events.hpp"
#include "bpt_plr/results/audit/summary.hpp"
#include "bpt_plr/results/clean/clean.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

struct CleanOptions {
  CleanRequest request;
  bool yes = false;
  JudgeOptions judge;
  RecipeFlags flags;
};

/// Returns whether to go on with work of hours.
bool agrees(bool yes) {
  if (yes) return true;
  require(isatty(STDIN_FILENO) == 1,
          "this takes hours, and nobody is there to ask: say --yes to go on, or give --features or "
          "--pretrained");
  fmt::print("go on? [y/N] ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

/// Shows how far a cleaning is, one counting line after the other.
class TerminalCleaning : public CleanObserver {
 public:
  explicit TerminalCleaning(const StopSignal& signal) : signal_(signal) {}

  LoadReport report(CleanWork work) override {
    shown_.push_back(std::make_unique<LoadProgress>(signal_, words(work)));
    return shown_.back()->report();
  }
  std::unique_ptr<TrainingObserver> observe(const PlannedRun& run,
                                            const TrainingData& data) override {
    shown_.clear();
    return make_progress(run.recipe, data, run.resuming);
  }

 private:
  static std::string words(CleanWork work) {
    switch (work) {
      case CleanWork::kFeatures:
        return "computing features, image";
      case CleanWork::kLoading:
        return "reading images";
      case CleanWork::kFolds:
        return "training folds, epoch";
      case CleanWork::kJudging:
        return "judging labels, step";
      case CleanWork::kComparing:
        return "comparing samples, percent";
    }
    return "";
  }

  const StopSignal& signal_;
  std::vector<std::unique_ptr<LoadProgress>> shown_;
};

/// Returns what a person would do next, with the cleaned labels in `cleaned`.
std::string next_step(const CleanPlan& plan, const std::string& cleaned) {
  if (cleaned.empty())
    return fmt::format("open {} in a browser", (plan.out / "review.html").string());
  const bool is_table = fs::path(cleaned).extension() == ".csv";
  if (!is_table) {
    return fmt::format("bptplr train --recipe features --data_path {} --noise_file {}",
                       plan.data.string(), cleaned);
  }
  return fmt::format(
      "open {0}, decide, then bptplr audit {1} --apply csv DIR --decisions decisions.json; or "
      "train "
      "on the cleaned set: bptplr train --dataset csv --data_path {2} --test_split 0.1",
      (plan.out / "review.html").string(), plan.run.string(), cleaned);
}

/// Returns the pair of classes that labels confuse most, by expectation: "cat for dog".
std::string most_confused(const Findings& found) {
  const auto classes = static_cast<std::size_t>(found.data.dataset.num_classes());
  std::size_t given = 0;
  std::size_t truth = 1;
  const auto joint = [&](std::size_t y, std::size_t c) {
    return found.audit.joint[y * classes + c];
  };
  for (std::size_t y = 0; y < classes; ++y) {
    for (std::size_t c = 0; c < classes; ++c) {
      if (y != c && joint(y, c) > joint(given, truth)) {
        given = y;
        truth = c;
      }
    }
  }
  const auto& names = found.data.dataset.class_names;
  return fmt::format("{} for {}", names[given], names[truth]);
}

/// Prints three sentences that a person understands, and the next command.
void say_findings(const CleanPlan& plan, const Cleaning& cleaning) {
  const Findings& found = cleaning.found;
  const AuditSummary& summary = cleaning.summary;
  const auto n = static_cast<double>(summary.samples);
  say("\n");
  say_sentence(fmt::format(
      "Of {} labels about {:.0f} ({:.1f} %) are wrong, between {:.0f} and {:.0f} with 95 % "
      "certainty, most often {}{}.",
      summary.samples, summary.expected_wrong, 100.0 * summary.expected_wrong / n,
      summary.wrong_interval[0], summary.wrong_interval[1], most_confused(found),
      found.issues ? "; besides there are " + describe(*found.issues, found.data.dataset) : ""));
  say_sentence(fmt::format(
      "{} lists every sample, the most suspicious label first; {} shows the first {} in a browser, "
      "to accept or reject them.",
      cleaning.files.suspects.string(), (plan.out / "review.html").string(),
      std::min(kReviewed, summary.samples)));
  if (cleaning.cleaned.empty()) {
    say_sentence(fmt::format("No label has been changed, as {}.", cleaning.files.no_labels));
  } else {
    say_sentence(fmt::format(
        "{} has the {} labels that are more likely wrong than right replaced by the suggested "
        "ones; nothing of yours has been changed.",
        cleaning.cleaned, cleaning.changed));
  }
  if (summary.known) {
    const AuditQuality& known = *summary.known;
    say_sentence(
        fmt::format("The true labels are known: {} of {} wrong ones are among the {} "
                    "replaced, AUC {:.4f}.",
                    known.labels.found, known.labels.wrong, known.labels.flagged, known.auc));
  }
  say("\n");
  say_sentence(fmt::format("next: {}", next_step(plan, cleaning.cleaned)));
  say_last(fmt::format("expected {:.1f} flagged {} changed {}{} out {}", summary.expected_wrong,
                       summary.flagged, cleaning.changed,
                       summary.known ? fmt::format(" auc {:.4f}", summary.known->auc) : "",
                       plan.out.string()));
}

int run_clean(const CleanOptions& options) {
  CleanPlan plan = plan_clean(options.request, options.flags.given());
  for (const std::string& sentence : plan.sentences) say_sentence(sentence);
  if (plan.takes_hours && !agrees(options.yes)) {
    say_last("nothing was done");
    return 0;
  }
  const StopSignal signal;
  const StopCondition stop(0.0, [&] { return signal.received(); });
  std::optional<Cleaning> cleaning;
  {
    TerminalCleaning terminal(signal);
    cleaning = clean(plan, options.judge, stop, terminal);
  }
  if (!cleaning) {
    say_last("stopped by a signal; the same command goes on from here");
    return kStopped;
  }
  if (!cleaning->found.audit.not_to_be_used.empty()) {
    print_warning("not to be used: " + cleaning->found.audit.not_to_be_used);
  }
  say_findings(plan, *cleaning);
  return 0;
}

}  // namespace

void add_clean_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "clean", "Find and replace the wrong labels of a data set: train, audit and write.");
  const auto options = std::make_shared<CleanOptions>();
  command
      ->add_option("DATA", options->request.data,
                   "folder with a folder for each class, CSV with the columns path and label, or "
                   "a file of features (.npy, .npz, .safetensors)")
      ->type_name("PATH")
      ->required();
  command
      ->add_option("--features", options->request.features,
                   "features of the samples of DATA, by any network; the labels are those of "
                   "NAME.csv beside them, else of DATA in the order of its paths")
      ->type_name("FILE");
  command
      ->add_option("--out", options->request.out,
                   "folder for the run, the lists and the pages; empty: runs/clean_NAME")
      ->type_name("DIR");
  command->add_flag("--yes", options->yes, "do not ask before work of hours");
  add_choice(*command, "--judge", options->judge.judge, "as bptplr audit");
  command->add_option("--folds", options->judge.folds, "as bptplr audit")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  options->flags.add_to(*command, kCleanFields);
  command->footer(
      "With --features, or --pretrained and --arch, this takes minutes on a CPU. Without either, "
      "networks are trained on the images: minutes to hours on a GPU, hours to days on a CPU. The "
      "same command goes on where it was stopped.");
  command->callback([&action, options] { action = [options] { return run_clean(*options); }; });
}

}  // namespace bptplr
