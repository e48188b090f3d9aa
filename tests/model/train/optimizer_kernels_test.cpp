// SPDX-License-Identifier: Apache-2.0
#include "model/train/optimizer_kernels.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace moesim::model {
namespace {

std::vector<float> random_floats(std::size_t count, const std::string& stream) {
  base::Rng rng(1, stream);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

struct Arrays {
  std::vector<float> weight, first, second, gradient;
};

Arrays random_arrays(std::size_t count) {
  Arrays arrays{random_floats(count, "w"), random_floats(count, "m"), random_floats(count, "v"),
                random_floats(count, "g")};
  for (float& value : arrays.second) value *= value;
  return arrays;
}

AdamwRates some_rates() { return {0.5F, 0.99F, 0.9F, 0.1F, 0.99F, 0.01F, 0.003F, 1.7F, 1e-8F}; }

void update(Arrays& arrays, std::size_t first, std::size_t count) {
  adamw_update(
      some_rates(), static_cast<Index>(count), arrays.gradient.data() + first,
      {arrays.weight.data() + first, arrays.first.data() + first, arrays.second.data() + first});
}

// Wherever a piece begins and ends, whole vectors or single elements, each element gets the same
// bits.
TEST(OptimizerKernels, PiecesOfAnySizeGiveTheSameBits) {
  constexpr std::size_t kCount = 100;
  Arrays whole = random_arrays(kCount);
  update(whole, 0, kCount);
  for (const std::size_t size : {1U, 3U, 8U, 13U}) {
    Arrays pieces = random_arrays(kCount);
    for (std::size_t first = 0; first < kCount; first += size) {
      update(pieces, first, std::min(size, kCount - first));
    }
    EXPECT_EQ(pieces.weight, whole.weight);
    EXPECT_EQ(pieces.first, whole.first);
    EXPECT_EQ(pieces.second, whole.second);
  }
}

// The formula in double, on the same inputs.
TEST(OptimizerKernels, AdamwFollowsItsFormula) {
  constexpr std::size_t kCount = 37;
  const Arrays before = random_arrays(kCount);
  Arrays after = before;
  update(after, 0, kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    const double slope = before.gradient[i] * 0.5;
    const double first = 0.9 * before.first[i] + 0.1 * slope;
    const double second = 0.99 * before.second[i] + 0.01 * slope * slope;
    const double weight =
        before.weight[i] * 0.99 - 0.003 * first / (std::sqrt(second * 1.7) + 1e-8);
    EXPECT_NEAR(after.first[i], first, 1e-6);
    EXPECT_NEAR(after.second[i], second, 1e-6);
    EXPECT_NEAR(after.weight[i], weight, 2e-6);
  }
}

// 1^2 + ... + n^2 = n (n + 1) (2 n + 1) / 6, exact in double.
TEST(OptimizerKernels, SumsSquares) {
  for (const int n : {0, 1, 7, 8, 9, 1000}) {
    std::vector<float> values;
    for (int i = 1; i <= n; ++i) values.push_back(static_cast<float>(i));
    EXPECT_EQ(sum_of_squares(values.data(), n), n * (n + 1.0) * (2 * n + 1) / 6);
  }
}

// A float would lose each 1 beside 2^24.
TEST(OptimizerKernels, SumsInDouble) {
  std::vector<float> values(4097, 1);
  values[0] = 4096;
  EXPECT_EQ(sum_of_squares(values.data(), 4097), 16777216.0 + 4096);
}

TEST(OptimizerKernels, RoundsToBfloat16InPlaceAndElsewhere) {
  std::vector<float> values = {1 + 0x1p-8F, 1 + 0x3p-8F, -3.14159265F};
  std::vector<float> rounded(3);
  round_to_bfloat16(values.data(), 3, rounded.data());
  EXPECT_EQ(rounded, (std::vector<float>{1, 1.015625F, -3.140625F}));
  round_to_bfloat16(values.data(), 3, values.data());
  EXPECT_EQ(values, rounded);
}

}  // namespace
}  // namespace moesim::model
