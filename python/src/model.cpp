// Bindings of trained networks.
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/results/export/onnx_export.hpp"
#include "bpt_plr/run/predictor.hpp"
#include "bpt_plr/run/trained_model.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "python/src/arrays.hpp"
#include "python/src/bindings.hpp"

namespace bptplr::python {
namespace {

using Json = nlohmann::json;
using Channels = std::vector<float>;

/// Loads a network; `config` is fields of the recipe as JSON text, or the file or name of a recipe.
TrainedModel load_file(const std::string& file, const std::string& config, bool is_text,
                       const Channels& mean, const Channels& std, const std::string& device) {
  const Json fields = is_text ? parse_json_or_none(config) : read_recipe(config);
  require(!is_text || fields.is_object(),
          "config has a number or a text that JSON cannot hold; correct what is in it");
  const Recipe recipe = compose_recipe(fields, is_text ? "config" : config, Json::object());
  return {file, recipe, mean, std, parse_device_choice(device)};
}

/// Receives images uint8 [N, height, width, 3] or vectors float32 [N, D].
template <class Samples>
Out<float> probabilities(const TrainedModel& model, const Samples& samples) {
  return to_numpy<float>(without_gil([&] { return model.probabilities(samples_of(samples)); }));
}

/// Returns the probabilities [N, C] of image files, or of the images in folders, and their paths.
std::pair<Out<float>, std::vector<std::string>> of_files(const TrainedModel& model,
                                                         const std::vector<std::string>& paths) {
  std::vector<float> all;
  std::vector<std::string> found;
  {
    const GilReleased released;
    predict_files(model, find_image_files(paths).files, OnBadImage::kStop, {},
                  [&](const Prediction& prediction) {
                    const auto row = prediction.probability;
                    all.insert(all.end(), row.begin(), row.end());
                    found.push_back(prediction.path.string());
                  });
  }
  const std::int64_t classes = model.heads().num_classes;
  const auto rows = static_cast<std::int64_t>(found.size());
  return {to_numpy<float>(Tensor::from(all, {rows, classes})), std::move(found)};
}

/// Returns logits and projections of each network.
template <class Samples>
std::vector<std::pair<Out<float>, Out<float>>> outputs(const TrainedModel& model,
                                                       const Samples& samples) {
  std::vector<std::pair<Out<float>, Out<float>>> arrays;
  for (const Network::Output& output :
       without_gil([&] { return model.outputs(samples_of(samples)); })) {
    arrays.emplace_back(to_numpy<float>(output.logits), to_numpy<float>(output.projection));
  }
  return arrays;
}

/// Returns the prototypes of each network.
std::vector<Out<float>> prototypes(const TrainedModel& model) {
  std::vector<Out<float>> arrays;
  for (const auto& network : model.networks()) {
    arrays.push_back(to_numpy<float>(network->prototypes().to(Device{}).clone()));
  }
  return arrays;
}

}  // namespace

void bind_model(nb::module_& module) {
  const nb::call_guard<GilReleased> unlocked;
  nb::class_<TrainedModel>(module, "Model")
      .def(
          "__init__",
          [](TrainedModel* self, const std::string& path, const std::string& device) {
            new (self) TrainedModel(path, parse_device_choice(device));
          },
          nb::arg("path"), nb::arg("device"), unlocked)
      .def_prop_ro("num_networks", [](const TrainedModel& m) { return m.networks().size(); })
      .def_prop_ro("num_classes", [](const TrainedModel& m) { return m.heads().num_classes; })
      .def_prop_ro("feature_dim", [](const TrainedModel& m) { return m.about().train.vectors.dim; })
      .def_prop_ro("class_names", [](const TrainedModel& m) { return m.about().class_names; })
      .def("prototypes", &prototypes)
      .def("probabilities", &probabilities<In<std::uint8_t, 4>>, nb::arg("images"))
      .def("probabilities", &probabilities<In<float, 2>>, nb::arg("features"))
      .def("of_files", &of_files, nb::arg("paths"))
      .def("outputs", &outputs<In<std::uint8_t, 4>>, nb::arg("images"))
      .def("outputs", &outputs<In<float, 2>>, nb::arg("features"));
  module.def("load_file", &load_file, nb::arg("file"), nb::arg("config"), nb::arg("is_text"),
             nb::arg("mean"), nb::arg("std"), nb::arg("device"), unlocked);
  module.def(
      "export_onnx",
      [](const std::string& path, const std::string& out, bool half) {
        return export_onnx(path, output_file(out), half);
      },
      nb::arg("path"), nb::arg("out"), nb::arg("half"), unlocked);
}

}  // namespace bptplr::python
