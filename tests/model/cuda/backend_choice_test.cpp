// SPDX-License-Identifier: Apache-2.0
// No CUDA library lies beside this test.
#include "model/cuda/backend_choice.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace moesim::model::cuda {
namespace {

TEST(BackendChoice, TheProcessorNeedsNothing) {
  const BackendChoice choice = choose_backend("cpu");
  EXPECT_EQ(choice.device, nullptr);
  EXPECT_EQ(choice.description, "cpu");
}

TEST(BackendChoice, AutoSaysWhyThereIsNoDevice) {
  const BackendChoice choice = choose_backend("auto");
  EXPECT_EQ(choice.device, nullptr);
  EXPECT_EQ(choice.description, "cpu (this moesim was built without CUDA)");
}

TEST(BackendChoice, CudaWithoutADeviceIsAnError) {
  for (const char* const name : {"cuda", "cuda:fp32", "cuda:tf32", "cuda:bf16"}) {
    try {
      choose_backend(name);
      FAIL() << "a device without a library";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.message(), "this moesim was built without CUDA") << name;
    }
  }
}

TEST(BackendChoice, NamesHowADeviceComputesProducts) {
  EXPECT_STREQ(backend_of(ProductMode::in_order), "cuda");
  EXPECT_STREQ(backend_of(ProductMode::library_fp32), "cuda:fp32");
  EXPECT_STREQ(backend_of(ProductMode::library_tf32), "cuda:tf32");
  EXPECT_STREQ(backend_of(ProductMode::bf16), "cuda:bf16");
}

TEST(BackendChoice, OnlyTheBackendsThatGiveTheBitsUpHaveAnArithmeticOfTheirOwn) {
  for (const char* const name : {"cpu", "cuda", "auto"}) {
    EXPECT_EQ(arithmetic_of(name), "processor") << name;
  }
  for (const char* const name : {"cuda:fp32", "cuda:tf32", "cuda:bf16"}) {
    EXPECT_EQ(arithmetic_of(name), name);
  }
}

TEST(BackendChoice, KnowsNoOtherName) {
  try {
    choose_backend("cude");
    FAIL() << "a backend of another name";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "--backend");
    EXPECT_EQ(error.hint(), "did you mean \"cuda\"?");
  }
  try {
    choose_backend("nvidia");
    FAIL() << "a backend of another name";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.hint(), "use auto, cpu, cuda, cuda:fp32, cuda:tf32 or cuda:bf16");
  }
}

}  // namespace
}  // namespace moesim::model::cuda
