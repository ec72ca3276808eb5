// Bindings of views, label noise and the built-in images.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "data/image_views.hpp"
#include "data/noise/instance_noise.hpp"
#include "data/noise/noise.hpp"
#include "data/sets/shapes.hpp"
#include "python/src/arrays.hpp"
#include "python/src/bindings.hpp"

namespace bptplr::python {
namespace {

using Channels = std::vector<float>;

Out<std::uint8_t> views(const In<std::uint8_t, 4>& images, const In<std::int64_t, 1>& samples,
                        View view, std::uint64_t seed, std::uint32_t epoch, std::uint32_t draw,
                        int crop, int padding) {
  return to_numpy<std::uint8_t>(without_gil([&] {
    return make_pixels(images_of(images), span_of(samples), view, {seed, epoch, draw},
                       {crop, padding});
  }));
}

Out<std::int64_t> instance(const In<std::uint8_t, 4>& images, const In<std::int64_t, 1>& labels,
                           std::int64_t classes, const Channels& mean, const Channels& std,
                           double rate, std::uint64_t seed) {
  return to_numpy(without_gil([&] {
    return instance_noise(samples_of(images), span_of(labels), classes, mean, std, rate, seed);
  }));
}

/// Returns the pixels of a split, which the array keeps alive.
Out<const std::uint8_t> pixels_of(const Images& images) {
  return to_numpy(images.pixels.data(), {images.count, images.height, images.width, 3},
                  images.owner);
}

}  // namespace

void bind_data(nb::module_& module) {
  nb::enum_<View>(module, "View")
      .value("test", View::kTest)
      .value("weak", View::kWeak)
      .value("strong", View::kStrong);
  module.def("views", &views, nb::arg("images"), nb::arg("samples"), nb::arg("view"),
             nb::arg("seed"), nb::arg("epoch"), nb::arg("draw"), nb::arg("crop"),
             nb::arg("padding"));

  module.def(
      "symmetric_noise",
      [](const In<std::int64_t, 1>& labels, std::int64_t classes, double rate, std::uint64_t seed) {
        return to_numpy(
            without_gil([&] { return symmetric_noise(span_of(labels), classes, rate, seed); }));
      },
      nb::arg("labels"), nb::arg("num_classes"), nb::arg("rate"), nb::arg("seed"));
  const auto def_asymmetric = [&](const char* name, auto* noise) {
    module.def(
        name,
        [noise](const In<std::int64_t, 1>& labels, double rate, std::uint64_t seed) {
          return to_numpy(without_gil([&] { return noise(span_of(labels), rate, seed); }));
        },
        nb::arg("labels"), nb::arg("rate"), nb::arg("seed"));
  };
  def_asymmetric("asymmetric_noise_cifar10", &asymmetric_noise_cifar10);
  def_asymmetric("asymmetric_noise_cifar100", &asymmetric_noise_cifar100);
  module.def("instance_noise", &instance, nb::arg("images"), nb::arg("labels"),
             nb::arg("num_classes"), nb::arg("mean"), nb::arg("std"), nb::arg("rate"),
             nb::arg("seed"));

  constexpr auto kOwned = nb::rv_policy::automatic;  // the arrays have owners
  nb::class_<Dataset>(module, "Dataset")
      .def_ro("class_names", &Dataset::class_names)
      .def_ro("mean", &Dataset::mean)
      .def_ro("std", &Dataset::std)
      .def_prop_ro(
          "train_images", [](const Dataset& d) { return pixels_of(d.train.images); }, kOwned)
      .def_prop_ro(
          "train_labels", [](const Dataset& d) { return to_numpy(d.train.labels); }, kOwned)
      .def_prop_ro(
          "test_images", [](const Dataset& d) { return pixels_of(d.test.images); }, kOwned)
      .def_prop_ro(
          "test_labels", [](const Dataset& d) { return to_numpy(d.test.labels); }, kOwned);
  module.def("make_shapes", &make_shapes, nb::arg("seed"), nb::arg("n_train"), nb::arg("n_test"),
             nb::call_guard<GilReleased>());
}

}  // namespace bptplr::python
