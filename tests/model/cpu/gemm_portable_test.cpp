// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/model/cpu/product_cases.h"

namespace moesim::model {
namespace {

TEST(GemmPortable, EqualsItsDefinitionBitForBit) {
  expect_products<float>(GemmKernels::portable);
  expect_products<double>(GemmKernels::portable);
}

}  // namespace
}  // namespace moesim::model
