// Bindings of the parts of the methods that a run is made of: the Jensen-Shannon distance, the
// selections, and the pseudo labels.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpt_plr/method/ops.hpp"
#include "bpt_plr/method/pseudo_labels.hpp"
#include "bpt_plr/method/selection.hpp"
#include "bpt_plr/method/statistic.hpp"
#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"
#include "python/src/arrays.hpp"
#include "python/src/bindings.hpp"

namespace bptplr::python {
namespace {

template <class T, int kAxes>
Tensor tensor_of(const In<T, kAxes>& array) {
  Shape shape;
  for (int axis = 0; axis < kAxes; ++axis) {
    shape.push_back(static_cast<std::int64_t>(array.shape(static_cast<std::size_t>(axis))));
  }
  return Tensor::from(span_of(array), std::move(shape));
}

/// Returns a recipe of CPU parts with these fields, JSON text. Throws Error for a value that does
/// not fit.
Recipe recipe_with(const std::string& fields) {
  Recipe recipe;
  recipe.device = DeviceChoice::kCpu;
  recipe.loss_history = 1;
  update_recipe(recipe, parse_json_or_none(fields), "the arguments");
  check_method(recipe);
  return recipe;
}

Out<float> distance(const In<float, 2>& first, const In<float, 2>& second,
                    const In<std::int64_t, 1>& labels, const std::string& base) {
  return to_numpy<float>(without_gil([&] {
    Recipe recipe;
    update_recipe(recipe, {{"statistic", "jsd"}, {"jsd_base", base}}, "the arguments");
    const KeptOutputs kept[] = {{tensor_of<float, 2>(first), {}, {}},
                                {tensor_of<float, 2>(second), {}, {}}};
    const KeptOutputs* networks[] = {&kept[0], &kept[1]};
    return make_statistic(recipe)->update(0, networks, span_of(labels)).front().first;
  }));
}

/// Selection, and the recipe that it is made of.
struct SelectionPart {
  Recipe recipe;
  std::unique_ptr<Selection> selection;

  explicit SelectionPart(const std::string& fields) : recipe(recipe_with(fields)) {
    const bool has_mixture =
        recipe.selection == SelectionKind::kGmm || recipe.selection == SelectionKind::kGmmBalanced;
    recipe.statistic = has_mixture ? StatisticKind::kCePrototype : StatisticKind::kCe;
    check_selection(recipe);
    selection = make_selection(recipe);
  }
};

/// Evidence of a network, [n] or [n, 2].
using EvidenceArray = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;

Evidence evidence_of(const EvidenceArray& array) {
  const auto n = static_cast<std::int64_t>(array.shape(0));
  const auto figures = static_cast<std::int64_t>(array.ndim() == 2 ? array.shape(1) : 1);
  Evidence evidence{Tensor::empty({n}), figures == 2 ? Tensor::empty({n}) : Tensor()};
  for (std::int64_t i = 0; i < n; ++i) {
    evidence.first.data<float>()[i] = array.data()[i * figures];
    if (figures == 2) evidence.second.data<float>()[i] = array.data()[2 * i + 1];
  }
  return evidence;
}

std::vector<Division> divide(SelectionPart& part, const std::vector<EvidenceArray>& arrays,
                             const In<std::int64_t, 1>& labels, std::int64_t epoch,
                             std::int64_t first_epoch,
                             const std::optional<In<std::uint8_t, 1>>& start) {
  return without_gil([&] {
    std::vector<Evidence> evidence;
    for (const EvidenceArray& array : arrays) evidence.push_back(evidence_of(array));
    SelectionContext context{epoch, epoch - first_epoch, span_of(labels)};
    if (start) context.mixture_start = span_of(*start);
    return part.selection->divide(context, evidence);
  });
}

void take_over(SelectionPart& part, const SelectionPart& first) {
  TensorMap found;
  first.selection->save(found);
  part.selection->load(found);
}

/// Pseudo labels, with the state that the networks of a run share.
struct PseudoLabelsPart {
  std::unique_ptr<PseudoLabels> labels;

  explicit PseudoLabelsPart(const std::string& fields)
      : labels(make_pseudo_labels(recipe_with(fields))) {}
};

Out<std::int64_t> choose(PseudoLabelsPart& part, const In<float, 2>& logits,
                         const In<float, 2>& prototype_logits, std::int64_t epoch) {
  return to_numpy<std::int64_t>(without_gil([&] {
    return part.labels->choose(
        {tensor_of<float, 2>(logits), tensor_of<float, 2>(prototype_logits), {}}, epoch);
  }));
}

void bind_division(nb::module_& module) {
  constexpr auto kOwned = nb::rv_policy::automatic;  // the arrays have owners
  nb::class_<Division>(module, "Division")
      .def_prop_ro(
          "labelled", [](const Division& d) { return to_numpy(d.partition.labelled); }, kOwned)
      .def_prop_ro(
          "unlabelled", [](const Division& d) { return to_numpy(d.partition.unlabelled); }, kOwned)
      .def_prop_ro(
          "clean", [](const Division& d) { return to_numpy(d.clean); }, kOwned)
      .def_prop_ro(
          "weight", [](const Division& d) { return to_numpy(d.weight); }, kOwned)
      .def_ro("num_clean", &Division::num_clean);
}

}  // namespace

void bind_parts(nb::module_& module) {
  module.def("jensen_shannon_distance", &distance, nb::arg("first"), nb::arg("second"),
             nb::arg("labels"), nb::arg("base"));
  bind_division(module);
  nb::class_<SelectionPart>(module, "Selection")
      .def(nb::init<const std::string&>(), nb::arg("fields"))
      .def("divide", &divide, nb::arg("evidence"), nb::arg("labels"), nb::arg("epoch"),
           nb::arg("first_epoch"), nb::arg("start").none())
      .def("take_over", &take_over, nb::arg("first"));
  nb::class_<PseudoLabelsPart>(module, "PseudoLabels")
      .def(nb::init<const std::string&>(), nb::arg("fields"))
      .def("choose", &choose, nb::arg("logits"), nb::arg("prototype_logits"), nb::arg("epoch"));
}

}  // namespace bptplr::python
