// SPDX-License-Identifier: Apache-2.0
// The program of tests on the machine's GPU, by the library libmoesim_cuda.so that lies beside it.
// Without one it says so and ends with 77, which ctest reports as skipped; with
// MOESIM_REQUIRE_GPU=1 with 1.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model/cuda/open_device.h"
#include "tests/support/test_devices.h"

namespace moesim::testing {

std::vector<std::unique_ptr<model::cuda::Device>> test_devices() {
  std::vector<std::unique_ptr<model::cuda::Device>> devices;
  devices.push_back(model::cuda::open_device());
  return devices;
}

}  // namespace moesim::testing

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::string reason;
  if (moesim::model::cuda::find_device(reason) != nullptr) return RUN_ALL_TESTS();
  const char* const required = std::getenv("MOESIM_REQUIRE_GPU");
  const bool fails = required != nullptr && std::string_view(required) == "1";
  std::printf("%s: %s\n", fails ? "FAIL" : "SKIP", reason.c_str());
  return fails ? 1 : 77;
}
