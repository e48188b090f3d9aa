// SPDX-License-Identifier: Apache-2.0
#include "tests/support/emulated_device.h"
#include "tests/support/test_devices.h"

namespace moesim::testing {

std::vector<std::unique_ptr<model::cuda::Device>> test_devices() {
  std::vector<std::unique_ptr<model::cuda::Device>> devices;
  devices.push_back(std::make_unique<EmulatedDevice>(ThreadOrder::forward));
  devices.push_back(std::make_unique<EmulatedDevice>(ThreadOrder::backward));
  return devices;
}

}  // namespace moesim::testing
