// Parts of the module _core. They convert arguments and call the library; the Python sources in
// front of them check user input and explain errors.
#pragma once

#include <nanobind/nanobind.h>

namespace bptplr::python {

void bind_losses(nanobind::module_& module);
void bind_selection(nanobind::module_& module);
void bind_parts(nanobind::module_& module);
void bind_data(nanobind::module_& module);
void bind_model(nanobind::module_& module);
void bind_audit(nanobind::module_& module);
void bind_train(nanobind::module_& module);
void bind_compare(nanobind::module_& module);
void bind_clean(nanobind::module_& module);

}  // namespace bptplr::python
