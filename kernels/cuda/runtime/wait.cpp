// Waiting for the device. Work that waits for other ranks never ends once one of them cannot be
// reached, so who waits for such work asks for both.
#include <chrono>
#include <thread>

#include "kernels/cuda/runtime/device_state.hpp"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {
namespace {

/// `query` returns cudaErrorNotReady until the end.
template <class Query>
void wait_beside(DeviceGroup& group, Query&& query, const char* during) {
  constexpr std::chrono::microseconds kPause(20);
  cudaError_t status = query();
  while (status == cudaErrorNotReady) {
    group.check();
    std::this_thread::sleep_for(kPause);
    status = query();
  }
  cudaGetLastError();  // "not ready" was an answer, which the next check of a launch must not meet
  check(status, during);
}

}  // namespace

void wait_for_event(const DeviceState& state, cudaEvent_t event, const char* during) {
  if (state.group == nullptr) return check(cudaEventSynchronize(event), during);
  wait_beside(
      *state.group, [event] { return cudaEventQuery(event); }, during);
}

void wait_for_stream(const DeviceState& state, const char* during) {
  if (state.group == nullptr) return check(cudaStreamSynchronize(state.stream), during);
  wait_beside(
      *state.group, [&state] { return cudaStreamQuery(state.stream); }, during);
}

}  // namespace bptplr::kernels
