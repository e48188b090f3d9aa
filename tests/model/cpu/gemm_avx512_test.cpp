// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/model/cpu/product_cases.h"

namespace moesim::model {
namespace {

TEST(GemmAvx512, EqualsItsDefinitionBitForBit) {
  if (!is_supported(GemmKernels::avx512)) GTEST_SKIP() << "this processor has not the instructions";
  expect_products<float>(GemmKernels::avx512);
  expect_products<double>(GemmKernels::avx512);
}

}  // namespace
}  // namespace moesim::model
