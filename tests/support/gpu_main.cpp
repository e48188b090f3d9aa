// SPDX-License-Identifier: Apache-2.0
// The program of tests on the machine's GPU. Without one it says so and ends with 77, which ctest
// reports as skipped; with MOESIM_REQUIRE_GPU=1 with 1.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  int count = 0;  // left untouched where there is no driver
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return RUN_ALL_TESTS();
  const char* const required = std::getenv("MOESIM_REQUIRE_GPU");
  const bool fails = required != nullptr && std::string_view(required) == "1";
  const char* const why =
      status == cudaSuccess ? "the driver finds none" : cudaGetErrorName(status);
  std::printf("%s: no CUDA device: %s\n", fails ? "FAIL" : "SKIP", why);
  return fails ? 1 : 77;
}
