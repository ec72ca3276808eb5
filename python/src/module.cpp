#include <nanobind/stl/string.h>
#include <omp.h>

#include "engine/error.hpp"
#include "kernels/determinism.hpp"
#include "kernels/device_memory.hpp"
#include "python/src/bindings.hpp"

NB_MODULE(_core, module) {
  namespace nb = nanobind;
  // At the end of a process nanobind would call leaks what modules and threads of the caller still
  // hold; nothing else is left then.
  nb::set_leak_warnings(false);
  const nb::exception<bptplr::Error> error(module, "Error", PyExc_RuntimeError);
  module.def(
      "set_num_threads", [](int threads) { omp_set_num_threads(threads); }, nb::arg("threads"));
  // The thread that calls has no others any more, so that it may fork.
  module.def("release_threads", [] { omp_pause_resource_all(omp_pause_hard); });
  module.def("get_num_threads", [] { return omp_get_max_threads(); });
  module.def("set_deterministic", &bptplr::kernels::set_deterministic, nb::arg("value"));
  module.def("get_deterministic", &bptplr::kernels::is_deterministic);
  module.def("cuda_device_count", &bptplr::kernels::device_count,
             "GPUs that this build can use here: 0 where it has no CUDA.");
  module.def("no_cuda_device_reason", &bptplr::kernels::no_device_reason,
             "Why cuda_device_count() is 0.");
  bptplr::python::bind_losses(module);
  bptplr::python::bind_selection(module);
  bptplr::python::bind_parts(module);
  bptplr::python::bind_data(module);
  bptplr::python::bind_model(module);
  bptplr::python::bind_audit(module);
  bptplr::python::bind_train(module);
  bptplr::python::bind_compare(module);
  bptplr::python::bind_clean(module);
}
