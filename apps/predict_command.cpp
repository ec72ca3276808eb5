// `bptplr predict MODEL IMAGES...`: predicts the classes of image files.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "apps/choice_flag.hpp"
#include "apps/commands.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/prediction_writer.hpp"
#include "apps/terminal/terminal.hpp"
#include "bpt_plr/run/predictor.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

struct PredictOptions {
  std::string model;
  std::vector<std::string> images;
  PredictionWriter::Options writer;
  OnBadImage on_bad_image = OnBadImage::kStop;
  DeviceChoice device = DeviceChoice::kAuto;
  long long threads = 0;
};

int predict(const PredictOptions& options) {
  use_threads(options.threads);
  Predictor predictor(options.model, options.device);
  const FoundImages found = find_image_files(options.images);
  const std::vector<std::filesystem::path>& files = found.files;
  const StopSignal signal;  // before the writer, whose unfinished file it removes
  PredictionWriter writer(options.writer, predictor.class_names());
  std::int64_t left_out = 0;
  {
    LoadProgress loading(signal);
    if (!found.passed_over.empty()) {
      loading.report().warning("passed over: " + found.passed_over.sentence());
    }
    left_out = predictor.predict(files, options.on_bad_image, loading.report(),
                                 [&](const Prediction& p) { writer.write(p); });
  }
  writer.finish();
  if (!options.writer.out.empty()) {
    say_last(fmt::format("images {} left_out {} out {}", std::ssize(files) - left_out, left_out,
                         options.writer.out.string()));
  }
  return 0;
}

}  // namespace

void add_predict_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("predict", "Say which classes image files show.");
  const auto options = std::make_shared<PredictOptions>();
  command
      ->add_option("MODEL", options->model,
                   "folder that `bptplr train` wrote to, whose networks are asked together, or one "
                   "of its model files")
      ->type_name("PATH")
      ->required();
  command
      ->add_option("IMAGES", options->images,
                   "image files, and folders with such files in them or below")
      ->type_name("PATH")
      ->required();
  command->add_option("--out", options->writer.out, "write to this file instead of stdout")
      ->type_name("FILE");
  command->add_flag("--json", options->writer.json, "a JSON list instead of a table (CSV)");
  command->add_flag("--all", options->writer.all,
                    "the probabilities of all classes: a column each, or a list in JSON");
  add_choice(*command, "--on_bad_image", options->on_bad_image,
             "what to do about image files that cannot be read: leave them out, or stop");
  add_choice(*command, "--device", options->device, "auto, cpu or cuda");
  command->add_option("--threads", options->threads, "CPU threads; 0: all")
      ->check(CLI::Range(0, 4096));
  command->callback([&action, options] { action = [options] { return predict(*options); }; });
}

}  // namespace bptplr
