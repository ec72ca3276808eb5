// `bptplr clean DATA`: from mislabelled samples to a cleaned set, in one command.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/choice_flag.hpp"
#include "apps/clean_plan.hpp"
#include "apps/commands.hpp"
#include "apps/findings.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/stop_signals.hpp"
#include "apps/terminal/terminal.hpp"
#include "apps/terminal/training_events.hpp"
#include "bpt_plr/results/audit/summary.hpp"
#include "bpt_plr/results/correct/apply.hpp"
#include "bpt_plr/results/correct/corrections.hpp"
#include "bpt_plr/results/correct/review.hpp"
#include "bpt_plr/results/features/image_features.hpp"
#include "bpt_plr/results/report/page.hpp"
#include "bpt_plr/results/report/report.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "data/noise/noise.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/open_file.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Fields of a recipe that may be set; the others are those that suit the data.
constexpr auto kCleanFields = std::to_array<std::string_view>(
    {"labels", "pretrained", "arch", "width", "blocks", "pool_side", "image_size", "crop", "exif",
     "on_bad_image", "noise_file", "num_epochs", "batch_size", "seed", "device", "precision",
     "threads", "cache_dir"});

/// Suspects on the page to decide on, and in the report.
constexpr std::int64_t kReviewed = 200;
constexpr std::int64_t kReported = 48;
constexpr double kThreshold = 0.5;

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

/// Computes features by the weights of the plan, unless they are there already.
void compute_features(const CleanPlan& plan, const StopSignal& signal) {
  if (!plan.weights) return;
  const Embedder embedder(*plan.weights);
  LoadProgress loading(signal, "computing features, image");
  write_features(embedder, plan.data, plan.features, plan.weights->on_bad_image, loading.report());
}

/// Trains the run of the plan, or goes on with it; returns false where a signal stopped it.
bool train(PlannedRun& run, const StopSignal& signal) {
  const TrainingData data = [&] {
    LoadProgress loading(signal);
    return load_data(run, loading.report());
  }();
  const StopCondition stop(0.0, [&] { return signal.received(); });
  const auto progress = make_progress(run.recipe, data, run.resuming);
  TrainingRun training(run, data, stop, *progress);
  return training.run();
}

/// What was found, and what has been made of it.
struct Cleaning {
  Findings found;
  AuditSummary summary;
  AuditFiles files;
  std::int64_t changed = 0;
  std::string cleaned;  ///< what is to be used from now on
};

/// Distrusts an audit by which most labels of people are wrong: what is judged by knows too little.
void doubt(Audit& audit) {
  const auto n = static_cast<double>(audit.wrong_probability.size());
  if (!audit.not_to_be_used.empty() || audit.expected_wrong <= 0.5 * n) return;
  audit.not_to_be_used = fmt::format(
      "by it {:.0f} % of the labels are wrong, which says more of features or images that tell too "
      "little of the classes; use features of a better network",
      100.0 * audit.expected_wrong / n);
}

Cleaning judge(const CleanPlan& plan, const CleanOptions& options, const StopSignal& signal) {
  const RunFolder run = RunFolder::open(plan.run);
  const Recipe recipe = recipe_of_run(run, plan.recipe.device);
  auto found =
      find(run, load_networks(run, recipe), recipe, options.judge, FindIssues::kAuto, signal);
  signal.check();  // nothing is found only where there was one
  Cleaning cleaning{std::move(*found), {}, {}, 0, {}};
  doubt(cleaning.found.audit);
  cleaning.summary = summarize(cleaning.found.audit, cleaning.found.data);
  cleaning.files = write_findings(plan.out, cleaning.found, cleaning.summary, kThreshold);
  return cleaning;
}

/// Writes the pages, and the cleaned table where samples have files.
void write_results(const CleanPlan& plan, const JudgeOptions& judge, Cleaning& cleaning,
                   const StopSignal& signal) {
  const Findings& found = cleaning.found;
  const RunFolder run = RunFolder::open(plan.run);
  const Heading heading{describe_data(plan.recipe, std::ssize(found.data.noisy_labels),
                                      found.data.dataset.num_classes()),
                        "suspected labels of " + plan.data.string()};
  write_file_atomically(plan.out / "review.html", review_page(found.audit, found.data, heading,
                                                              plan.run.string(), kReviewed));
  LoadProgress loading(signal);
  const ReportOptions report{plan.recipe.device, "", kReported, judge};
  write_file_atomically(plan.out / "report.html",
                        report_page(make_report(run, report, loading.report())));
  const fs::path table = plan.out / "labels.csv";
  std::error_code error;
  fs::remove(table, error);  // of an earlier cleaning into this folder
  if (!cleaning.files.no_labels.empty()) return;
  cleaning.cleaned = cleaning.files.labels.string();
  cleaning.changed = cleaning.files.corrected;
  if (found.data.dataset.train.files.empty()) return;
  cleaning.cleaned =
      apply_as_csv(corrections_of(found.audit, found.data, kThreshold), found.data, plan.out)
          .result.string();
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
  say_sentence(fmt::format("next: {}", plan.next(cleaning.cleaned)));
  say_last(fmt::format("expected {:.1f} flagged {} changed {}{} out {}", summary.expected_wrong,
                       summary.flagged, cleaning.changed,
                       summary.known ? fmt::format(" auc {:.4f}", summary.known->auc) : "",
                       plan.out.string()));
}

int clean(const CleanOptions& options) {
  LeftOut left_out;
  const Recipe wanted = options.flags.recipe(left_out);
  use_threads(wanted.threads);
  CleanPlan plan = plan_clean(options.request, wanted, options.flags);
  for (const std::string& sentence : plan.sentences) say_sentence(sentence);
  if (plan.takes_hours && !agrees(options.yes)) {
    say_last("nothing was done");
    return 0;
  }
  const StopSignal signal;
  compute_features(plan, signal);
  plan.recipe.out = plan.run.string();
  PlannedRun run = plan_run(plan.recipe, /*resume=*/true);
  if (!train(run, signal)) {
    say_last("stopped by a signal; the same command goes on from here");
    return kStopped;
  }
  plan.recipe = run.recipe;
  Cleaning cleaning = judge(plan, options, signal);
  if (!cleaning.found.audit.not_to_be_used.empty()) {
    print_warning("not to be used: " + cleaning.found.audit.not_to_be_used);
  }
  write_results(plan, options.judge, cleaning, signal);
  say_findings(plan, cleaning);
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
  command->callback([&action, options] { action = [options] { return clean(*options); }; });
}

}  // namespace bptplr
