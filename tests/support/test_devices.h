// SPDX-License-Identifier: Apache-2.0
// The devices that a test of the CUDA backend runs on. The same tests are two programs: one on
// emulated devices, whose threads run in either order, and one on the machine's GPU.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "model/cuda/device.h"

namespace moesim::testing {

std::vector<std::unique_ptr<model::cuda::Device>> test_devices();

// Around the warp's, the block's and the tile's sizes.
constexpr std::array<int, 8> kRaggedSizes = {0, 1, 63, 64, 65, 127, 128, 129};

// Calls test(device) for each of them.
template <class Test>
void on_each_device(const Test& test) {
  for (const auto& device : test_devices()) {
    SCOPED_TRACE(device->name());
    test(*device);
  }
}

}  // namespace moesim::testing
