#include <omp.h>

#include "engine/error.hpp"
#include "python/src/bindings.hpp"

NB_MODULE(_core, module) {
  namespace nb = nanobind;
  const nb::exception<bptplr::Error> error(module, "Error", PyExc_RuntimeError);
  module.def(
      "set_num_threads", [](int threads) { omp_set_num_threads(threads); }, nb::arg("threads"));
  module.def("get_num_threads", [] { return omp_get_max_threads(); });
  bptplr::python::bind_losses(module);
  bptplr::python::bind_selection(module);
  bptplr::python::bind_data(module);
  bptplr::python::bind_model(module);
  bptplr::python::bind_audit(module);
}
