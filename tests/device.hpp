// Selects the device of tests of networks and of the method, which run on the CPU and, in another
// executable, on a GPU or on the host executor that stands in for one.
#pragma once

#include "engine/device.hpp"

#ifndef BPTPLR_TEST_DEVICE
#define BPTPLR_TEST_DEVICE "cpu"
#endif

namespace bptplr {

/// Returns the device that this executable tests.
inline Device test_device() {
  static const Device device = choose_device(parse_device_choice(BPTPLR_TEST_DEVICE));
  return device;
}

}  // namespace bptplr
