// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/open_device.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace moesim::model::cuda {
namespace {

// No library lies beside this test.
TEST(OpenDevice, SaysThatTheBuildHasNoCuda) {
  std::string reason;
  EXPECT_EQ(find_device(reason), nullptr);
  EXPECT_EQ(reason, "this moesim was built without CUDA");
}

TEST(OpenDevice, NamesTheFlagAndTheRemedy) {
  try {
    open_device();
    FAIL() << "a device without a library";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "--backend");
    EXPECT_NE(error.hint().find("use --backend cpu"), std::string::npos);
  }
}

TEST(OpenDevice, SaysWhyALibraryCannotBeLoaded) {
  try {
    open_device("/nowhere/libmoesim_cuda.so");
    FAIL() << "a device of no library";
  } catch (const base::Error& error) {
    EXPECT_NE(error.message().find("cannot be loaded: /nowhere/libmoesim_cuda.so"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace moesim::model::cuda
