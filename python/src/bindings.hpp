// The parts of the module _core. They convert arguments and call; what users may pass is checked,
// and explained to them, by the Python sources in front of them.
#pragma once

#include <nanobind/nanobind.h>

namespace bptplr::python {

void bind_losses(nanobind::module_& module);
void bind_selection(nanobind::module_& module);
void bind_data(nanobind::module_& module);
void bind_model(nanobind::module_& module);
void bind_audit(nanobind::module_& module);

}  // namespace bptplr::python
