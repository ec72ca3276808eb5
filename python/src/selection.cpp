// Bindings of the selection of clean samples: mixture and partition.
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <optional>
#include <utility>

#include "bpt_plr/method/gmm.hpp"
#include "bpt_plr/method/partition.hpp"
#include "python/src/arrays.hpp"
#include "python/src/bindings.hpp"

namespace bptplr::python {
namespace {

/// Fits from k-means++ seeds of the stream (seed, epoch, network), or from labels if given.
template <class T>
GmmFit fit(const In<T, 2>& losses, std::int64_t max_iter, double tol, double reg_covar,
           std::uint64_t seed, std::uint32_t epoch, std::uint32_t network,
           const std::optional<In<std::uint8_t, 1>>& labels) {
  return without_gil([&] {
    const GmmOptions options{max_iter, tol, reg_covar};
    const Tensor points = Tensor::from(
        span_of(losses),
        {static_cast<std::int64_t>(losses.shape(0)), static_cast<std::int64_t>(losses.shape(1))});
    return labels ? fit_gmm_from_labels(points, span_of(*labels), options)
                  : fit_gmm(points, options, seed, epoch, network);
  });
}

std::pair<Out<std::int64_t>, Out<std::int64_t>> partition(const In<double, 1>& clean_probability,
                                                          const In<std::int64_t, 1>& labels,
                                                          std::int64_t classes, double threshold) {
  Partition result = without_gil([&] {
    return balanced_partition(span_of(clean_probability), span_of(labels), classes, threshold);
  });
  return {to_numpy(std::move(result.labelled)), to_numpy(std::move(result.unlabelled))};
}

}  // namespace

void bind_selection(nb::module_& module) {
  nb::class_<GmmFit>(module, "GmmFit")
      .def_ro("weights", &GmmFit::weights)
      .def_ro("means", &GmmFit::means)
      .def_ro("covariances", &GmmFit::covariances)
      .def_ro("mean_log_likelihood", &GmmFit::mean_log_likelihood)
      .def_ro("n_iter", &GmmFit::n_iter)
      .def_ro("converged", &GmmFit::converged)
      .def_ro("one_cluster", &GmmFit::one_cluster)
      .def_ro("clean_component", &GmmFit::clean_component)
      .def_prop_ro(
          "clean_probability",
          [](const GmmFit& result) { return to_numpy(result.clean_probability); },
          nb::rv_policy::automatic);  // the array has an owner
  const auto def_fit = [&](auto function) {
    module.def("gmm_fit", function, nb::arg("losses"), nb::arg("max_iter"), nb::arg("tol"),
               nb::arg("reg_covar"), nb::arg("seed"), nb::arg("epoch"), nb::arg("network"),
               nb::arg("labels").none());
  };
  def_fit(&fit<float>);
  def_fit(&fit<double>);
  module.def("balanced_partition", &partition, nb::arg("clean_probability"), nb::arg("labels"),
             nb::arg("num_classes"), nb::arg("threshold"));
}

}  // namespace bptplr::python
