#include "bpt_plr/results/export/onnx_export.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/results/export/graph_builder.hpp"
#include "bpt_plr/results/export/layers.hpp"
#include "bpt_plr/results/export/networks.hpp"
#include "bpt_plr/results/export/writer/onnx_file.hpp"
#include "data/image_views.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Returns (x - mean) / std, with both in units of 1 / `unit`.
Value normalised(GraphBuilder& graph, const Value& x, const Dataset& about, double unit,
                 const Shape& shape) {
  std::vector<float> mean;
  std::vector<float> scale;
  for (const float m : about.mean) mean.push_back(static_cast<float>(unit * double{m}));
  for (const float s : about.std) scale.push_back(static_cast<float>(1.0 / (unit * double{s})));
  const Value centred = graph.apply("Sub", {x, graph.constant("mean", mean, shape)});
  return graph.apply("Mul", {centred, graph.constant("scale", scale, shape)});
}

/// Returns the crop in the middle of images [n, 3, side, side], with zeros where it is larger.
Value central_crop(GraphBuilder& graph, const Value& x, int side, int crop) {
  if (side == crop) return x;
  const std::int64_t before = (side - crop) / 2;  // toward zero, as test views are cropped
  const std::int64_t after = side - crop - before;
  if (crop < side) {
    return graph.apply("Slice", {x, graph.integers("crop_begin", {before, before}),
                                 graph.integers("crop_end", {side - after, side - after}),
                                 graph.integers("crop_axes", {2, 3})});
  }
  return graph.apply(
      "Pad", {x, graph.integers("crop_padding", {0, 0, -before, -before, 0, 0, -after, -after})});
}

/// Adds the input of images and returns them as networks see them, [n, 3, crop, crop].
Value image_input(GraphBuilder& graph, const TrainedModel& model, int crop) {
  const int side = model.about().test.images.height;
  graph.add_input(
      {"images",
       ElementType::kUint8,
       {side, side, 3},
       fmt::format("RGB pixels: the shorter side resized to {}, then the centre cut out", side)});
  const Value channels =
      graph.apply("Transpose", {"images"}, {{"perm", std::vector<std::int64_t>{0, 3, 1, 2}}});
  const Value pixels = graph.apply("Cast", {channels}, {{"to", onnx_type(ElementType::kFloat32)}});
  return normalised(graph, central_crop(graph, pixels, side, crop), model.about(), 255.0,
                    {1, 3, 1, 1});
}

/// Adds the input of features and returns them as networks see them, [n, dim].
Value vector_input(GraphBuilder& graph, const TrainedModel& model) {
  const Vectors& vectors = model.about().train.vectors;
  graph.add_input(
      {"features", ElementType::kFloat32, {vectors.dim}, "features as in the data set"});
  Value x = "features";
  if (vectors.root) {
    const Value root = graph.apply("Sqrt", {graph.apply("Abs", {x})});
    x = graph.apply("Mul", {graph.apply("Sign", {x}), root});
  }
  return normalised(graph, x, model.about(), 1.0, {1, vectors.dim});
}

Graph graph_of(const TrainedModel& model, bool half) {
  GraphBuilder graph(half);
  const Recipe& recipe = model.recipe();
  const bool has_vectors = model.about().train.has_vectors();
  const ViewGeometry geometry{static_cast<int>(recipe.crop), static_cast<int>(recipe.crop_padding)};
  const int side = has_vectors ? 0 : geometry.side(model.about().test.images.height);
  const Value x =
      graph.to_network(has_vectors ? vector_input(graph, model) : image_input(graph, model, side));
  Value sum;
  for (const auto& network : model.networks()) {
    const auto number = &network - model.networks().data() + 1;
    LayerBuilder layers(graph, *network, fmt::format("network{}.", number));
    const Value z = graph.to_float(logits_of(layers, network_config(recipe), x, side));
    sum = sum.empty() ? z : graph.apply("Add", {sum, z});
  }
  const float share = 1.0F / static_cast<float>(model.networks().size());
  graph.apply_as("logits", "Mul", {sum, graph.constant("share", {share}, {})});
  graph.apply_as("probabilities", "Softmax", {"logits"}, {{"axis", std::int64_t{-1}}});
  const Shape classes{model.heads().num_classes};
  graph.add_output({"logits", ElementType::kFloat32, classes, "mean of the networks' logits"});
  graph.add_output({"probabilities", ElementType::kFloat32, classes, "softmax of the logits"});
  return graph.finish();
}

/// Returns the recipe without what only concerns the machine that it ran on: whoever gets the model
/// need not know where files lie there.
std::string recipe_text(const Recipe& recipe) {
  Recipe shared = recipe;
  for (std::string Recipe::*path :
       {&Recipe::data_path, &Recipe::labels, &Recipe::test_features, &Recipe::test_labels,
        &Recipe::human_path, &Recipe::noise_file, &Recipe::pretrained}) {
    (shared.*path).clear();
  }
  nlohmann::ordered_json json = to_json(shared);
  for (const RecipeField& field : recipe_fields()) {
    if (field.group == kMachineGroup) json.erase(field.name);
  }
  return to_text(json);
}

/// Throws Error where `out` would replace a file of the run itself.
void check_not_of_run(const fs::path& model, const fs::path& out) {
  if (!is_file(out) || out.extension() == ".onnx") return;
  std::error_code error;
  const fs::path run = is_file(model) ? model.parent_path() : model;
  require(!fs::equivalent(run.empty() ? "." : run,
                          out.parent_path().empty() ? "." : out.parent_path(), error),
          "{} is a file of the run; name another --out, such as model.onnx", out.string());
}

}  // namespace

fs::path onnx_file_of(const fs::path& model, bool half) {
  const char* ending = half ? "_half.onnx" : ".onnx";
  if (!is_file(model)) return model / (std::string("model") + ending);
  return model.parent_path() / (model.stem().string() + ending);
}

std::int64_t export_onnx(const fs::path& model, const fs::path& out, bool half) {
  check_not_of_run(model, out);
  const TrainedModel trained(model, DeviceChoice::kCpu);
  const OnnxNotes notes{fmt::format("networks trained by bptplr: {}, in {}",
                                    trained.networks().size(), half ? "float16" : "float32"),
                        {{"class_names", to_text(nlohmann::json(trained.about().class_names))},
                         {"recipe", recipe_text(trained.recipe())}}};
  const std::string bytes = onnx_bytes(graph_of(trained, half), notes);
  write_file_atomically(out, bytes);
  return std::ssize(bytes);
}

}  // namespace bptplr
