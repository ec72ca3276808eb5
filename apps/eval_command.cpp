// `bptplr eval RUN`: measures the test accuracy of the networks of a run.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/choice_flag.hpp"
#include "apps/commands.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/terminal.hpp"
#include "bpt_plr/run/run_data.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "engine/io/json.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

struct EvalOptions {
  std::string run;
  std::string data_path;
  DeviceChoice device = DeviceChoice::kAuto;
  long long threads = 0;
  bool json = false;
};

Dataset load_data(const RunFolder& run, const Recipe& recipe) {
  const StopSignal signal;
  LoadProgress loading(signal);
  return reload_test_data(run, recipe, loading.report());
}

int evaluate(const EvalOptions& options) {
  use_threads(options.threads);
  const RunFolder folder = RunFolder::open(options.run);
  const Recipe recipe = recipe_of_run(folder, options.device, options.data_path);
  const Networks networks = load_networks(folder, recipe);
  const Dataset dataset = load_data(folder, recipe);
  require(
      dataset.test.size() > 0,
      "the run in {} has no test samples; train with --test_features or --test_split to have some",
      options.run);
  const auto views = make_view_maker(recipe, dataset, dataset.test);

  const std::vector<Network*> all = pointers_to(networks);
  std::vector<double> accuracies;
  accuracies.reserve(all.size());
  for (Network* network : all) {
    accuracies.push_back(test_accuracy({network}, *views, dataset.test.labels));
  }
  const double together = test_accuracy(all, *views, dataset.test.labels);

  if (options.json) {
    const nlohmann::ordered_json json{{"run", options.run},
                                      {"dataset", dataset.name},
                                      {"test_images", dataset.test.size()},
                                      {"networks", accuracies},
                                      {"together", together}};
    fmt::print("{}\n", to_text(json, 2));
    return 0;
  }
  say_sentence(
      fmt::format("{}: {} test images of {}", options.run, dataset.test.size(), dataset.name));
  for (std::size_t i = 0; i < accuracies.size(); ++i) {
    fmt::print("network {}   {:6.2f} %\n", i + 1, accuracies[i]);
  }
  fmt::print("together    {:6.2f} %\n", together);
  fmt::print("test_acc {:.2f}\n", together);
  return 0;
}

}  // namespace

void add_eval_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("eval", "Measure the test accuracy of a run's networks.");
  const auto options = std::make_shared<EvalOptions>();
  command->add_option("RUN", options->run, "folder that `bptplr train` wrote to")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--data_path", options->data_path,
                   "folder of the data set, where it has moved since")
      ->type_name("PATH");
  add_choice(*command, "--device", options->device, "auto, cpu or cuda");
  command->add_option("--threads", options->threads, "CPU threads; 0: all")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--json", options->json, "print JSON");
  command->callback([&action, options] { action = [options] { return evaluate(*options); }; });
}

}  // namespace bptplr
