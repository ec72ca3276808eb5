// `bptplr features DATA`: computes features of images by a trained network.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/terminal.hpp"
#include "bpt_plr/results/features/image_features.hpp"
#include "bpt_plr/run/embedder.hpp"
#include "engine/error.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

/// Fields of a recipe that decide what the network sees and how it is computed.
constexpr auto kFeaturesFields = std::to_array<std::string_view>(
    {"arch", "width", "blocks", "pool_side", "pretrained", "image_size", "crop", "exif",
     "on_bad_image", "device", "precision", "threads"});

struct FeaturesOptions {
  std::string data;
  std::string out;
  std::string run;
  RecipeFlags flags;
};

int features(const FeaturesOptions& options) {
  const bool has_weights = options.flags.names("pretrained");
  require(has_weights != !options.run.empty(),
          "name the weights that features are computed with: --pretrained FILE --arch NETWORK, or "
          "--run RUN, and not both");
  LeftOut left_out;
  const Recipe recipe = recipe_for_weights(options.flags.recipe(left_out), options.flags.given());
  use_threads(recipe.threads);
  const Embedder embedder = has_weights ? Embedder(recipe) : Embedder(options.run, recipe.device);
  if (has_weights) {
    const NamedTensors::Match& match = embedder.report().match;
    say_field("weights", fmt::format("{}: {} of {} tensors taken", recipe.pretrained, match.taken,
                                     match.tensors));
  }
  say_field("network", fmt::format("{}, {} features an image of {} pixels", embedder.recipe().arch,
                                   embedder.dim(), embedder.side()));
  FeatureTable table;
  {
    const StopSignal signal;
    LoadProgress loading(signal, "computing features, image");
    table =
        write_features(embedder, options.data, options.out, recipe.on_bad_image, loading.report());
  }
  say_field("features", fmt::format("{}: {} rows", options.out, table.rows));
  say_field("labels", table.labels.string());
  say_sentence(fmt::format("next: bptplr clean {} --features {}", options.data, options.out));
  say_last(fmt::format("rows {} dim {} left_out {} out {}", table.rows, embedder.dim(),
                       table.left_out, options.out));
  return 0;
}

}  // namespace

void add_features_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "features", "Compute features of images by a trained network, for --dataset features.");
  const auto options = std::make_shared<FeaturesOptions>();
  command
      ->add_option("DATA", options->data,
                   "folder with a folder for each class, or CSV with the columns path and label")
      ->type_name("PATH")
      ->required();
  command
      ->add_option("--out", options->out,
                   "file of the features, NAME.npy; NAME.csv tells the path and label of each row")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--run", options->run,
                   "use the networks of this run, which `bptplr train` wrote")
      ->type_name("DIR");
  options->flags.add_to(*command, kFeaturesFields);
  command->footer(
      "Weights of torchvision (.pth, .safetensors) are matched by name and shape; images are "
      "resized to 256, cropped to 224 (other networks than resnet50 and vgg19_bn: 32) and "
      "normalised as ImageNet's. Stopped work goes on when the command is given again.");
  command->callback([&action, options] { action = [options] { return features(*options); }; });
}

}  // namespace bptplr
