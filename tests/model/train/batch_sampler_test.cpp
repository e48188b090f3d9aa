// SPDX-License-Identifier: Apache-2.0
#include "model/train/batch_sampler.h"

#include <gtest/gtest.h>

#include <numeric>

namespace moesim::model {
namespace {

// Byte i of the text is i.
std::vector<std::uint8_t> counting_text(int bytes) {
  std::vector<std::uint8_t> text(bytes);
  std::iota(text.begin(), text.end(), std::uint8_t{0});
  return text;
}

TEST(BatchSampler, TargetsAreTheNextBytes) {
  const auto text = counting_text(20);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    base::Rng rng(seed, "batches");
    const ByteBatch batch = sample_batch(text, 3, 4, rng);
    ASSERT_EQ(batch.inputs.size(), 12U);
    for (std::size_t i = 0; i < 12; ++i) {
      EXPECT_EQ(batch.targets[i], batch.inputs[i] + 1);
      if (i % 4 == 0) continue;
      EXPECT_EQ(batch.inputs[i], batch.inputs[i - 1] + 1);
    }
  }
}

TEST(BatchSampler, TheShortestTextHasOneWindow) {
  const auto text = counting_text(5);
  base::Rng rng(0, "batches");
  EXPECT_EQ(sample_batch(text, 1, 4, rng).inputs, (std::vector<std::uint8_t>{0, 1, 2, 3}));
  EXPECT_EQ(spread_batch(text, 32, 4).targets, (std::vector<std::uint8_t>{1, 2, 3, 4}));
}

// 13 bytes hold (13 - 1) / 4 = 3 windows of 4; the first bytes 0 to 8 are possible places.
TEST(BatchSampler, SpreadsWindowsWithoutOverlap) {
  const auto text = counting_text(13);
  const ByteBatch batch = spread_batch(text, 32, 4);
  EXPECT_EQ(batch.inputs, (std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  const ByteBatch two = spread_batch(text, 2, 4);
  EXPECT_EQ(two.inputs, (std::vector<std::uint8_t>{0, 1, 2, 3, 8, 9, 10, 11}));
}

}  // namespace
}  // namespace moesim::model
