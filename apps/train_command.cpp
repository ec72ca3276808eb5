// `bptplr train`: a run from its recipe to its folder.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/load_progress.hpp"
#include "apps/noise_table.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/terminal_progress.hpp"
#include "bpt_plr/run_folder.hpp"
#include "bpt_plr/trainer.hpp"
#include "bpt_plr/training_data.hpp"
#include "data/noise.hpp"

namespace bptplr {
namespace {

/// Shows and records what the trainer reports.
class RunObserver : public TrainingObserver {
 public:
  RunObserver(const Recipe& recipe, const RunFolder& folder) : progress_(recipe), folder_(folder) {}

  /// Whose networks to write after each epoch.
  void watch(Trainer& trainer) { trainer_ = &trainer; }
  const EpochMetrics& last() const { return last_; }

  void on_progress(const Progress& progress) override { progress_.progress(progress); }
  void on_warning(const std::string& sentence) override { progress_.warning(sentence); }
  void on_epoch(const EpochMetrics& metrics) override {
    folder_.append_metrics(metrics);
    for (int i = 0; i < trainer_->num_networks(); ++i) folder_.write_model(i, trainer_->network(i));
    progress_.epoch(metrics);
    last_ = metrics;
  }

 private:
  TerminalProgress progress_;
  const RunFolder& folder_;
  Trainer* trainer_ = nullptr;
  EpochMetrics last_;
};

std::string noise_name(const Recipe& recipe) {
  if (!recipe.noise_file.empty()) return "file";
  if (recipe.noise_mode == "none") return "none";
  if (recipe.noise_mode == "human") {
    return recipe.dataset == "cifar100" ? "human" : "human_" + recipe.human_set;
  }
  return fmt::format("{}{:g}", recipe.noise_mode, 100.0 * recipe.r);
}

/// runs/DATASET_METHOD_NOISE_seedN, with _2, _3, ... where that exists.
std::string default_out(const Recipe& recipe) {
  const std::string base = fmt::format("runs/{}_{}_{}_seed{}", recipe.dataset, recipe.method,
                                       noise_name(recipe), recipe.seed);
  std::string out = base;
  for (int i = 2; std::filesystem::exists(out); ++i) out = fmt::format("{}_{}", base, i);
  return out;
}

std::int64_t count_parameters(const Network& network) {
  std::int64_t count = 0;
  for (const Tensor& parameter : network.named().parameters()) count += parameter.numel();
  return count;
}

void print_pretrained(const std::string& file, const NamedTensors::Match& match) {
  const auto& other = match.other_shape;
  fmt::print("weights   {}: {} of {} tensors taken{}\n", file, match.taken, match.tensors,
             other.empty() ? "" : fmt::format(", of another shape: {}", fmt::join(other, ", ")));
}

/// `changes`: what the user's recipe changes of its preset.
void print_summary(const Recipe& recipe, const std::vector<std::string>& changes,
                   const TrainingData& data, Trainer& trainer) {
  const Images& train = data.dataset.train.images;
  fmt::print("data      {}: {} training and {} test images of {} x {}, {} classes\n",
             data.dataset.name, train.count, data.dataset.test.images.count, train.height,
             train.width, data.dataset.num_classes());
  const double wrong = noise_rate(data.noisy_labels, data.true_labels);
  fmt::print("labels    {}: {}\n",
             recipe.noise_file.empty() ? noise_name(recipe) : recipe.noise_file,
             std::isnan(wrong) ? "how many are wrong is not known"
                               : fmt::format("{:.2f} % are wrong", 100.0 * wrong));
  fmt::print("{}", noise_table(data));
  fmt::print("network   {}, width {}{}: {} parameters{}\n", recipe.arch, recipe.width,
             recipe.blocks.empty() ? "" : ", blocks " + recipe.blocks,
             count_parameters(trainer.network(0)), trainer.num_networks() > 1 ? ", twice" : "");
  if (trainer.pretrained()) print_pretrained(recipe.pretrained, *trainer.pretrained());
  fmt::print("method    {}, preset {}: {} epochs, {} of them warm-up, batch {}\n", recipe.method,
             recipe.preset, recipe.num_epochs, recipe.method == "ce" ? 0 : recipe.warm_up,
             recipe.batch_size);
  fmt::print("device    {}, {} threads\n", recipe.device, recipe.threads);
  fmt::print("changed   {}\n",
             changes.empty() ? "nothing" : fmt::format("{}", fmt::join(changes, " ")));
  fmt::print("out       {}\n\n", recipe.out);
  std::fflush(stdout);
}

/// The mean AUC of the networks.
double mean_auc(const EpochMetrics& metrics) {
  double sum = 0.0;
  for (const NetworkMetrics& network : metrics.networks) sum += network.selection.auc;
  return sum / static_cast<double>(metrics.networks.size());
}

/// For people, then one line of names and values for scripts.
void print_results(const Recipe& recipe, const TrainingData& data, const EpochMetrics& last) {
  fmt::print("\ntest accuracy: best {:.2f} %, last {:.2f} %, mean of the last 10 epochs {:.2f} %\n",
             last.best_acc, last.test_acc, last.mean_last10);
  std::string selection;
  const bool truth_is_known = !std::isnan(noise_rate(data.noisy_labels, data.true_labels));
  if (!last.networks.empty() && truth_is_known) {
    const WrongLabels labels = find_wrong_labels(last, data.noisy_labels, data.true_labels);
    fmt::print("wrong labels: {} of {} found among {} flagged, AUC {:.4f}\n", labels.found,
               labels.wrong, labels.flagged, mean_auc(last));
    selection = fmt::format(" auc {:.4f} wrong {} flagged {} found {}", mean_auc(last),
                            labels.wrong, labels.flagged, labels.found);
  }
  fmt::print("results: config.json, noise.json, metrics.jsonl and the models in {}\n", recipe.out);
  fmt::print("best_acc {:.2f} mean_last10 {:.2f} last_acc {:.2f}{} out {}\n", last.best_acc,
             last.mean_last10, last.test_acc, selection, recipe.out);
}

TrainingData load_data(const Recipe& recipe) {
  LoadProgress loading;
  return load_training_data(recipe, loading.report());
}

int train(Recipe recipe) {
  const std::vector<std::string> changes = deviations(recipe);
  resolve(recipe);
  recipe.threads = use_threads(recipe.threads);
  if (recipe.out.empty()) recipe.out = default_out(recipe);
  const TrainingData data = load_data(recipe);
  recipe.num_class = data.dataset.num_classes();
  resolve(recipe);  // once more, with what depends on the number of classes
  const RunFolder folder = RunFolder::create(recipe.out);
  RunObserver observer(recipe, folder);
  Trainer trainer(recipe, data, observer);
  observer.watch(trainer);
  folder.write_config(recipe);
  folder.write_classes(data.dataset);
  folder.write_noise(data.noisy_labels);
  print_summary(recipe, changes, data, trainer);
  trainer.run();
  print_results(recipe, data, observer.last());
  return 0;
}

}  // namespace

void add_train_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("train", "Train, and write the results to a folder.");
  command->get_formatter()->column_width(36);
  const auto flags = std::make_shared<RecipeFlags>();
  flags->add_to(*command);
  command->footer(
      "A flag beats the recipe, the recipe beats the preset, the preset beats the defaults shown "
      "here.");
  command->callback([&action, flags] { action = [flags] { return train(flags->recipe()); }; });
}

}  // namespace bptplr
