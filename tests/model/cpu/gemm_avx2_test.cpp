// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/model/cpu/product_cases.h"

namespace moesim::model {
namespace {

TEST(GemmAvx2, EqualsItsDefinitionBitForBit) {
  if (!is_supported(GemmKernels::avx2)) GTEST_SKIP() << "this processor has not the instructions";
  expect_products<float>(GemmKernels::avx2);
  expect_products<double>(GemmKernels::avx2);
}

}  // namespace
}  // namespace moesim::model
