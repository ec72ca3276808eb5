// oneDNN's errors as ours: out of memory is std::bad_alloc, as everywhere.
#pragma once

#include <dnnl.hpp>
#include <new>
#include <stdexcept>
#include <string>

namespace bptplr::kernels::onednn {

/// Throws std::bad_alloc, or std::runtime_error that says what failed, unless oneDNN succeeded.
inline void require_success(dnnl::status status, const char* what) {
  if (status == dnnl::status::success) return;
  if (status == dnnl::status::out_of_memory) throw std::bad_alloc();
  if (status == dnnl::status::unimplemented) {
    throw std::runtime_error(std::string("this oneDNN cannot compute ") + what +
                             " on this processor; train with --precision float32");
  }
  throw std::runtime_error(std::string("oneDNN cannot compute ") + what +
                           ", most likely for want of memory; free some, and start again");
}

/// Calls fn, which computes a convolution. Throws likewise where oneDNN throws.
template <class Fn>
void with_our_errors(Fn&& fn) {
  try {
    fn();
  } catch (const dnnl::error& error) {
    require_success(static_cast<dnnl::status>(error.status), "a convolution");
    throw;
  }
}

}  // namespace bptplr::kernels::onednn
