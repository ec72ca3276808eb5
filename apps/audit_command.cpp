// `bptplr audit RUN`: finds wrong labels in a run's training set.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/apply_corrections.hpp"
#include "apps/choice_flag.hpp"
#include "apps/commands.hpp"
#include "apps/findings.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/terminal.hpp"
#include "apps/terminal/text_layout.hpp"
#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/audit/files.hpp"
#include "bpt_plr/results/audit/summary.hpp"
#include "bpt_plr/results/correct/review.hpp"
#include "bpt_plr/run/run_data.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

struct AuditOptions {
  std::string run;
  std::string data_path;
  std::string out;
  double threshold = 0.5;
  long long top = 10;
  JudgeOptions judge;
  FindIssues issues = FindIssues::kAuto;
  DeviceChoice device = DeviceChoice::kAuto;
  long long threads = 0;
  bool json = false;
  std::vector<std::string> apply;  ///< what to do with corrected labels, and where
  std::string decisions;
  std::string undo;
  long long review = 100;
};

/// Columns to which the name of a class may be cut.
constexpr std::size_t kLeastName = 8;
/// Maximum number of classes printed, those with the most wrong labels.
constexpr std::size_t kShownClasses = 20;

double percent(double part, std::int64_t whole) {
  return 100.0 * part / static_cast<double>(whole);
}

void print_evidence(const Audit& audit, std::size_t networks) {
  const std::string who = networks == 1 ? "one network" : fmt::format("{} networks", networks);
  if (audit.model) {
    say_field("evidence",
              fmt::format("predictions of {}, temperature {:.2f}, and how labels go wrong", who,
                          audit.model->temperature));
    if (audit.model->learnt_noise > 0.5) {
      say_field("", "the networks seem to have learnt wrong labels, which is undone");
    }
  } else {
    say_field("evidence",
              fmt::format("the classifier's loss of {} alone: trained on the labels as they are "
                          "(warm-up, or a baseline), predictions repeat the labels",
                          who));
  }
}

void print_classes(const AuditSummary& summary, const std::vector<std::string>& names) {
  std::vector<std::size_t> order(summary.by_class.size());
  for (std::size_t c = 0; c < order.size(); ++c) order[c] = c;
  const bool all = order.size() <= kShownClasses;
  if (!all) {
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
      return summary.by_class[a].expected_wrong > summary.by_class[b].expected_wrong;
    });
    order.resize(kShownClasses);
  }
  std::vector<std::vector<std::string>> rows;
  for (const std::size_t c : order) {
    const AuditedClass& of = summary.by_class[c];
    rows.push_back({names[c], fmt::format("{}", of.samples),
                    fmt::format("{:.1f}", of.expected_wrong), fmt::format("{}", of.flagged),
                    of.known ? fmt::format("{}", of.known->wrong) : "?",
                    of.confused_with < 0 ? "" : names[static_cast<std::size_t>(of.confused_with)]});
  }
  say("\n");
  say_table({{"given label", true, kLeastName},
             {"samples"},
             {"expected"},
             {"flagged"},
             {"wrong"},
             {"mostly", true, kLeastName}},
            rows);
  if (!all) say(fmt::format("... and {} classes more\n", summary.by_class.size() - kShownClasses));
}

void print_suspects(const Audit& audit, const TrainingData& data, long long top) {
  const std::vector<std::string>& names = data.dataset.class_names;
  const auto shown = std::min<std::int64_t>(top, std::ssize(audit.ranking));
  if (shown == 0) return;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> paths;
  for (std::int64_t rank = 0; rank < shown; ++rank) {
    const auto i = static_cast<std::size_t>(audit.ranking[static_cast<std::size_t>(rank)]);
    rows.push_back({fmt::format("{}", rank + 1), fmt::format("{}", i),
                    fmt::format("{:.4f}", audit.wrong_probability[i]),
                    names[static_cast<std::size_t>(data.noisy_labels[i])],
                    names[static_cast<std::size_t>(audit.suggested[i])]});
    if (!data.dataset.train.files.empty()) paths.push_back(data.dataset.train.files[i]);
  }
  say("\n");
  say_table({{" rank"},
             {"index"},
             {"p_wrong"},
             {"given", true, kLeastName},
             {"suggested", true, kLeastName}},
            rows, "path", paths);
}

/// Prints the quality of the audit; returns its part of the last line.
std::string print_quality(const AuditQuality& known) {
  say("\n");
  say_sentence(fmt::format("wrong labels: {} of {} found among {} flagged, AUC {:.4f}",
                           known.labels.found, known.labels.wrong, known.labels.flagged,
                           known.auc));
  std::string values = fmt::format(" auc {:.4f} wrong {} found {}", known.auc, known.labels.wrong,
                                   known.labels.found);
  for (const auto& [k, share] : known.precision_at) {
    say(fmt::format("{:.1f} % of the first {} are wrong\n", 100.0 * share, k));
    values += fmt::format(" p{} {:.4f}", k, share);
  }
  return values;
}

std::string out_folder(const AuditOptions& options, const RunFolder& run) {
  return options.out.empty() ? (run.path() / "audit").string() : options.out;
}

/// Changes the labels that people have decided on, without asking the networks.
int apply_decisions(const AuditOptions& options, const RunFolder& run, const Recipe& recipe) {
  const ApplyTarget target = parse_apply(options.apply);
  TrainingData data;
  {
    const StopSignal signal;
    LoadProgress loading(signal);
    data = reload_data(run, recipe, loading.report());
  }
  const std::vector<Correction> corrections = read_decisions(options.decisions, data);
  apply_corrections(target, corrections, data, out_folder(options, run));
  say_last(fmt::format("corrected {} out {}", corrections.size(), out_folder(options, run)));
  return 0;
}

int undo(const AuditOptions& options) {
  say_last(fmt::format("undone {} of the moves in {}", undo_moves(options.undo), options.undo));
  return 0;
}

/// Writes the page on which suspects are accepted or rejected.
void write_review(const AuditOptions& options, const RunFolder& run, const Recipe& recipe,
                  const Audit& audit, const TrainingData& data) {
  const std::filesystem::path page =
      std::filesystem::path(out_folder(options, run)) / "review.html";
  const Heading heading{
      describe_data(recipe, std::ssize(data.noisy_labels), data.dataset.num_classes()),
      "suspected labels of " + options.run};
  write_file_atomically(page, review_page(audit, data, heading, options.run, options.review));
  say_field("review", fmt::format("{}: accept or reject suspects in a browser, then --decisions",
                                  page.string()));
}

/// Applies what the audit suggests.
void apply_audit(const AuditOptions& options, const RunFolder& run, const Audit& audit,
                 const TrainingData& data) {
  require(audit.not_to_be_used.empty(),
          "nothing is applied, as the audit is not to be used: {}; decide in review.html and say "
          "--decisions",
          audit.not_to_be_used);
  apply_corrections(parse_apply(options.apply), corrections_of(audit, data, options.threshold),
                    data, out_folder(options, run));
}

int audit(const AuditOptions& options) {
  if (!options.undo.empty()) return undo(options);
  if (!options.apply.empty()) parse_apply(options.apply);  // a mistake is one before hours of work
  require(!options.json || options.apply.empty(),
          "--json prints the audit and changes nothing; leave it or --apply out");
  require(options.decisions.empty() || !options.apply.empty(),
          "--decisions says which labels to change, but not how; add --apply move, copy DIR or csv "
          "DIR");
  require(
      options.threshold >= 0.0 && options.threshold <= 1.0,  // refuses NaN too, which CLI11 accepts
      "threshold is {}, but must lie in [0, 1]", options.threshold);
  use_threads(options.threads);
  const RunFolder run = RunFolder::open(options.run);
  const Recipe recipe = recipe_of_run(run, options.device, options.data_path);
  if (!options.decisions.empty()) return apply_decisions(options, run, recipe);
  const Networks networks = load_networks(run, recipe);
  const auto found = [&] {
    const StopSignal signal;
    return find(run, networks, recipe, options.judge, options.issues, signal);
  }();
  if (!found) {
    say_last("stopped by a signal; the same command goes on with the folds from here");
    return kStopped;
  }
  const auto& [data, audit, issues] = *found;
  const AuditSummary summary = summarize(audit, data);
  const std::filesystem::path out = out_folder(options, run);
  const AuditFiles files = write_findings(out, *found, summary, options.threshold);
  if (!audit.not_to_be_used.empty()) {
    print_warning("not to be used: " + audit.not_to_be_used);
  }
  if (options.json) {
    fmt::print("{}", read_file(files.summary));
    return 0;
  }
  say_field("run", fmt::format("{}: {} training images of {}, {} classes", options.run,
                               summary.samples, data.dataset.name, data.dataset.num_classes()));
  print_evidence(audit, networks.size());
  say_field(
      "labels",
      fmt::format("{:.0f} ({:.1f} %) are wrong by expectation, {:.0f} to {:.0f} with 95 %, {} "
                  "more likely than not",
                  summary.expected_wrong, percent(summary.expected_wrong, summary.samples),
                  summary.wrong_interval[0], summary.wrong_interval[1], summary.flagged));
  print_classes(summary, data.dataset.class_names);
  print_suspects(audit, data, options.top);
  const std::string quality = summary.known ? print_quality(*summary.known) : "";
  say("\n");
  say_field("suspects",
            fmt::format("{}: every sample, the most suspicious first", files.suspects.string()));
  say_field("summary", files.summary.string());
  if (issues) {
    say_field("issues", fmt::format("{}: {}", (out / "issues.csv").string(),
                                    describe(*issues, data.dataset)));
  }
  say_field("labels", files.no_labels.empty()
                          ? fmt::format("{}: {} labels changed, for bptplr train --noise_file",
                                        files.labels.string(), files.corrected)
                          : "no labels.json: " + files.no_labels);
  if (data.dataset.test.size() > 0 && !data.dataset.test.files.empty()) {
    say_field("test", fmt::format("the {} test images are not judged: put them among the training "
                                  "images of a run to have their labels judged too",
                                  data.dataset.test.size()));
  }
  if (options.review > 0) write_review(options, run, recipe, audit, data);
  if (!options.apply.empty()) apply_audit(options, run, audit, data);
  say_last(fmt::format("expected {:.1f} flagged {} corrected {}{} out {}", summary.expected_wrong,
                       summary.flagged, files.corrected, quality, out.string()));
  return 0;
}

}  // namespace

void add_audit_command(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("audit", "Say which labels of a run's training set are wrong.");
  const auto options = std::make_shared<AuditOptions>();
  command->add_option("RUN", options->run, "folder that `bptplr train` wrote to, or still does")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--data_path", options->data_path,
                   "folder of the data set, where it has moved since")
      ->type_name("PATH");
  command
      ->add_option("--out", options->out,
                   "folder for suspects.csv, audit.json and labels.json; RUN/audit")
      ->type_name("DIR");
  command
      ->add_option(
          "--threshold", options->threshold,
          "labels.json has the suggested label where the given one is wrong with more than "
          "this probability")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--top", options->top, "how many suspects to print")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  command
      ->add_option(
          "--apply", options->apply,
          "carry corrected labels over to the files of the data set: move (into the folders "
          "of their new classes, below DIR if given), copy DIR (a corrected data set) or csv "
          "DIR (a table for --dataset csv); overwrites nothing")
      ->type_name("move|copy|csv [DIR]")
      ->expected(1, 2);
  command
      ->add_option("--decisions", options->decisions,
                   "with --apply: change what was decided on the page review.html, and saved "
                   "there, in place of what --threshold decides")
      ->type_name("FILE");
  command
      ->add_option("--undo", options->undo,
                   "move files back, by the undo_1.csv that --apply move wrote; no audit is made")
      ->type_name("FILE");
  command
      ->add_option("--review", options->review,
                   "how many of the most suspect labels review.html shows; 0: no page")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  add_choice(*command, "--judge", options->judge.judge,
             "who judges: the run's networks; those and a kernel classifier of the features that "
             "has not seen the label; or networks trained anew without each fold. auto: kernel for "
             "features, else networks");
  command->add_option("--folds", options->judge.folds, "kernel, folds: number of folds")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  add_choice(
      *command, "--issues", options->issues,
      "compare all samples to find near-duplicates and outliers, for issues.csv; auto: up to "
      "100,000 samples");
  add_choice(*command, "--device", options->device, "auto, cpu or cuda");
  command->add_option("--threads", options->threads, "CPU threads; 0: all")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--json", options->json, "print the summary as JSON");
  command->callback([&action, options] { action = [options] { return audit(*options); }; });
}

}  // namespace bptplr
