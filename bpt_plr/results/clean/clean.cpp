#include "bpt_plr/results/clean/clean.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "bpt_plr/results/audit/summary.hpp"
#include "bpt_plr/results/correct/apply.hpp"
#include "bpt_plr/results/correct/corrections.hpp"
#include "bpt_plr/results/correct/review.hpp"
#include "bpt_plr/results/features/image_features.hpp"
#include "bpt_plr/results/report/heading.hpp"
#include "bpt_plr/results/report/page.hpp"
#include "bpt_plr/results/report/report.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Suspects in the report.
constexpr std::int64_t kReported = 48;
constexpr double kThreshold = 0.5;

/// Computes features by the weights of the plan, unless they are there already.
void compute_features(const CleanPlan& plan, CleanObserver& observer) {
  if (!plan.weights) return;
  const Embedder embedder(*plan.weights);
  write_features(embedder, plan.data, plan.features, plan.weights->on_bad_image,
                 observer.report(CleanWork::kFeatures));
}

/// Trains the run of the plan, or goes on with it; returns false where it was stopped.
bool train_planned(CleanPlan& plan, const StopCondition& stop, CleanObserver& observer) {
  plan.recipe.out = plan.run.string();
  PlannedRun run = plan_run(plan.recipe, /*resume=*/true);
  const TrainingData data = load_data(run, observer.report(CleanWork::kLoading));
  plan.recipe = run.recipe;
  const auto events = observer.observe(run, data);
  TrainingRun training(run, data, stop, *events);
  return training.run();
}

/// Distrusts an audit by which most labels of people are wrong: what is judged by knows too little.
void doubt(Audit& audit) {
  const auto n = static_cast<double>(audit.wrong_probability.size());
  if (!audit.not_to_be_used.empty() || audit.expected_wrong <= 0.5 * n) return;
  audit.not_to_be_used = fmt::format(
      "by it {:.0f} % of the labels are wrong, which says more of features or images that tell too "
      "little of the classes; use features of a better network",
      100.0 * audit.expected_wrong / n);
}

std::optional<Cleaning> judge_planned(const CleanPlan& plan, const JudgeOptions& judge,
                                      const StopCondition& stop, CleanObserver& observer) {
  const RunFolder run = RunFolder::open(plan.run);
  const Recipe recipe = recipe_of_run(run, plan.recipe.device);
  auto found =
      find(run, load_networks(run, recipe), recipe, judge, FindIssues::kAuto, stop,
           {observer.report(CleanWork::kLoading), observer.report(CleanWork::kFolds).progress,
            observer.report(CleanWork::kJudging).progress,
            observer.report(CleanWork::kComparing).progress});
  if (!found) return std::nullopt;
  Cleaning cleaning{std::move(*found), {}, {}, 0, {}};
  doubt(cleaning.found.audit);
  cleaning.summary = summarize(cleaning.found.audit, cleaning.found.data);
  cleaning.files = write_findings(plan.out, cleaning.found, cleaning.summary, kThreshold);
  return cleaning;
}

/// Writes the pages, and the cleaned table where samples have files.
void write_results(const CleanPlan& plan, const JudgeOptions& judge, Cleaning& cleaning,
                   CleanObserver& observer) {
  const Findings& found = cleaning.found;
  const RunFolder run = RunFolder::open(plan.run);
  const Heading heading{describe_data(plan.recipe, std::ssize(found.data.noisy_labels),
                                      found.data.dataset.num_classes()),
                        "suspected labels of " + plan.data.string()};
  write_file_atomically(plan.out / "review.html", review_page(found.audit, found.data, heading,
                                                              plan.run.string(), kReviewed));
  const ReportOptions report{plan.recipe.device, "", kReported, judge};
  write_file_atomically(
      plan.out / "report.html",
      report_page(make_report(run, report, observer.report(CleanWork::kLoading))));
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

}  // namespace

std::optional<Cleaning> clean(CleanPlan& plan, const JudgeOptions& judge, const StopCondition& stop,
                              CleanObserver& observer) {
  compute_features(plan, observer);
  if (!train_planned(plan, stop, observer)) return std::nullopt;
  auto cleaning = judge_planned(plan, judge, stop, observer);
  if (cleaning) write_results(plan, judge, *cleaning, observer);
  return cleaning;
}

}  // namespace bptplr
