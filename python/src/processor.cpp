// The module _processor, which is imported before _core: says what the processor lacks for that one
// as an ImportError. Compiled for any x86-64 (CMakeLists.txt).
#include "kernels/processor.hpp"

#include <Python.h>

PyMODINIT_FUNC PyInit__processor() {
  if (const char* missing = bptplr::kernels::missing_instructions()) {
    PyErr_SetString(PyExc_ImportError, missing);
    return nullptr;
  }
  static PyModuleDef definition = {
      PyModuleDef_HEAD_INIT, "_processor", nullptr, 0, nullptr, nullptr, nullptr, nullptr, nullptr};
  return PyModule_Create(&definition);
}
