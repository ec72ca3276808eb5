#include "apps/terminal/training_events.hpp"

#include "apps/terminal/terminal.hpp"
#include "apps/terminal/training_progress.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "data/noise/noise.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

EventProgress::EventProgress(const Recipe& recipe, const TrainingData& data)
    : quiet_(recipe.quiet),
      time_(recipe, data.dataset.train.size(), data.dataset.test.size()),
      notice_(recipe) {}

double EventProgress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void EventProgress::on_progress(const Progress& now) {
  time_.note_progress(now, seconds());
  const auto estimate = notice_.due(time_, now);
  if (!estimate || quiet_) return;
  const TimeLeft& left = estimate->left;
  say_event("time", {{"seconds", left.seconds()},
                     {"epochs", left.epochs()},
                     {"warm_up_seconds", left.warm_up_seconds},
                     {"warm_up_epochs", left.warm_up_epochs},
                     {"measured", estimate->basis == TimeBasis::kMeasured}});
}

void EventProgress::on_epoch(const EpochMetrics& metrics) {
  time_.note_epoch(metrics.epoch, seconds());
  if (!quiet_) say_event("epoch", to_json(metrics));
}

void EventProgress::on_warning(const std::string& sentence) {
  print_warning(sentence);
}

std::unique_ptr<TrainingObserver> make_progress(const Recipe& recipe, const TrainingData& data,
                                                bool resumed) {
  if (prints_errors_only()) return std::make_unique<TrainingObserver>();
  if (prints_json()) return std::make_unique<EventProgress>(recipe, data);
  return std::make_unique<TerminalProgress>(recipe, data, resumed);
}

void say_start(const PlannedRun& run, const TrainingData& data, const std::string& resumed_from) {
  if (run.recipe.quiet) return;
  say_event("start",
            {{"dataset", data.dataset.name},
             {"train_images", data.dataset.train.size()},
             {"test_images", data.dataset.test.size()},
             {"num_class", data.dataset.num_classes()},
             {"noise_rate", number_or_null(noise_rate(data.noisy_labels, data.true_labels))},
             {"resumed_from", resumed_from.empty() ? Json(nullptr) : Json(resumed_from)},
             {"out", run.recipe.out},
             {"recipe", to_json(run.recipe)}});
}

void say_end(const Recipe& recipe, const ComparedRun& results) {
  Json fields{{"status", "done"},
              {"best_acc", number_or_null(results.best_acc)},
              {"mean_last10", number_or_null(results.mean_last10)},
              {"last_acc", number_or_null(results.last_acc)},
              {"auc", number_or_null(results.auc)},
              {"wrong_labels", nullptr},
              {"out", recipe.out}};
  if (results.wrong_labels) {
    fields["wrong_labels"] = {{"wrong", results.wrong_labels->wrong},
                              {"flagged", results.wrong_labels->flagged},
                              {"found", results.wrong_labels->found}};
  }
  say_event("end", fields);
}

void say_end(const std::string& status, const std::string& why) {
  say_event("end", {{"status", status}, {"why", why}});
}

}  // namespace bptplr
