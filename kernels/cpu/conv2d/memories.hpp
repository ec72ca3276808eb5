// oneDNN's handles of memory and streams, made once a thread and kept: making one is a fault, not
// an error, where oneDNN finds no memory for it, and takes longer than a small convolution.
#pragma once

#include <dnnl.hpp>
#include <unordered_map>

#include "kernels/cpu/conv2d/plan.hpp"

namespace bptplr::kernels::onednn {

inline const dnnl::stream& stream_of_thread() {
  thread_local const dnnl::stream stream(host_engine());
  return stream;
}

/// Returns this thread's handle of a layout, which must be that of a plan, at `memory`. It is valid
/// until the thread asks for the same layout again.
inline dnnl::memory& memory_at(const dnnl::memory::desc& layout, const void* memory) {
  thread_local std::unordered_map<const dnnl::memory::desc*, dnnl::memory> handles;
  auto found = handles.find(&layout);
  if (found == handles.end()) {
    found = handles.emplace(&layout, dnnl::memory(layout, host_engine(), DNNL_MEMORY_NONE)).first;
  }
  found->second.set_data_handle(const_cast<void*>(memory));
  return found->second;
}

}  // namespace bptplr::kernels::onednn
