// `bptplr audit RUN`: finds wrong labels in a run's training set.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/choice_flag.hpp"
#include "apps/commands.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/terminal.hpp"
#include "apps/terminal/text_layout.hpp"
#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/audit/files.hpp"
#include "bpt_plr/results/audit/summary.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "engine/error.hpp"
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
  DeviceChoice device = DeviceChoice::kAuto;
  long long threads = 0;
  bool json = false;
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

int audit(const AuditOptions& options) {
  require(
      options.threshold >= 0.0 && options.threshold <= 1.0,  // refuses NaN too, which CLI11 accepts
      "threshold is {}, but must lie in [0, 1]", options.threshold);
  use_threads(options.threads);
  const RunFolder run = RunFolder::open(options.run);
  const Recipe recipe = recipe_of_run(run, options.device, options.data_path);
  const Networks networks = load_networks(run, recipe);
  TrainingData data;
  AuditEvidence evidence;
  {
    const StopSignal signal;
    LoadProgress loading(signal);
    data = reload_training_data(recipe, run.noise_file(), loading.report());
    evidence = gather_evidence(networks, recipe, data, trained_on_partition(run),
                               loading.report().progress);
  }
  const Audit audit = audit_labels(std::move(evidence), data.noisy_labels);
  const AuditSummary summary = summarize(audit, data);
  const std::filesystem::path out =
      options.out.empty() ? run.path() / "audit" : std::filesystem::path(options.out);
  const AuditFiles files = write_audit(out, audit, summary, data, options.threshold);
  if (options.json) {
    fmt::print("{}\n", to_text(to_json(summary, audit, data.dataset), 2));
    return 0;
  }
  say_field("run", fmt::format("{}: {} training images of {}, {} classes", options.run,
                               summary.samples, data.dataset.name, data.dataset.num_classes()));
  print_evidence(audit, networks.size());
  say_field("labels",
            fmt::format("{:.0f} ({:.1f} %) are wrong by expectation, {} more likely than not",
                        summary.expected_wrong, percent(summary.expected_wrong, summary.samples),
                        summary.flagged));
  print_classes(summary, data.dataset.class_names);
  print_suspects(audit, data, options.top);
  const std::string quality = summary.known ? print_quality(*summary.known) : "";
  say("\n");
  say_field("suspects",
            fmt::format("{}: every sample, the most suspicious first", files.suspects.string()));
  say_field("summary", files.summary.string());
  say_field("labels", fmt::format("{}: {} labels changed, for bptplr train --noise_file",
                                  files.labels.string(), files.corrected));
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
      ->required();
  command->add_option("--data_path", options->data_path,
                      "folder of the data set, where it has moved since");
  command->add_option("--out", options->out,
                      "folder for suspects.csv, audit.json and labels.json; RUN/audit");
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
  add_choice(*command, "--device", options->device, "auto, cpu or cuda");
  command->add_option("--threads", options->threads, "CPU threads; 0: all")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--json", options->json, "print the summary as JSON");
  command->callback([&action, options] { action = [options] { return audit(*options); }; });
}

}  // namespace bptplr
