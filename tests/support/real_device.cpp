// SPDX-License-Identifier: Apache-2.0
// The tests of the CUDA backend on the machine's GPU. Without one the program says so and ends with
// 77, which ctest reports as skipped; with MOESIM_REQUIRE_GPU=1 with 1.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "model/cuda/open_device.h"
#include "tests/support/test_devices.h"

namespace moesim::testing {

std::vector<std::unique_ptr<model::cuda::Device>> test_devices() {
  std::vector<std::unique_ptr<model::cuda::Device>> devices;
  devices.push_back(model::cuda::open_device(MOESIM_CUDA_LIBRARY));
  return devices;
}

}  // namespace moesim::testing

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    moesim::testing::test_devices();
  } catch (const moesim::base::Error& error) {
    const char* const required = std::getenv("MOESIM_REQUIRE_GPU");
    const bool fails = required != nullptr && std::string_view(required) == "1";
    std::printf("%s: %s\n", fails ? "FAIL" : "SKIP", error.message().c_str());
    return fails ? 1 : 77;
  }
  return RUN_ALL_TESTS();
}
