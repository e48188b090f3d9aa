// SPDX-License-Identifier: Apache-2.0
// An accelerator of round figures, for tests that time computation.
#pragma once

#include "topologies/accelerator.h"

namespace moesim::testing {

inline topologies::Accelerator example_accelerator() {
  topologies::Accelerator accelerator;
  accelerator.name = "example";
  accelerator.peak_bf16 = base::FlopsPerSecond(200e12);
  accelerator.achievable_bf16 = base::FlopsPerSecond(100e12);
  accelerator.memory = base::Bytes(80e9);
  accelerator.memory_bandwidth = base::BytesPerSecond(2e12);
  accelerator.achievable_memory_fraction = 0.9;
  accelerator.num_sms = 100;
  accelerator.kernel_overhead = base::Seconds(2e-6);
  accelerator.roofline_exponent = 2.8;
  return accelerator;
}

}  // namespace moesim::testing
