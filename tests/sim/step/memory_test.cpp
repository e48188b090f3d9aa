// SPDX-License-Identifier: Apache-2.0
#include "sim/step/memory.h"

#include <gtest/gtest.h>

#include "tests/support/example_model.h"

namespace moesim::sim {
namespace {

// The example model: attention 2,621,440 a layer, router 8,192 a layer, embedding and head
// 2,048,000: 7,307,264 replicated. Two experts in 2 layers: 4 * 1,572,864. 13,598,720 parameters.
// Activations of 10 tokens: attention 2 layers * (4*1024 + 2*1024 + 2*256) = 13,312 values a token;
// 30 rows received: (2*1024 + 3*512) each; 20 rows sent: 1024 each; scores 2*8 + 1000 in fp32.
TEST(Memory, AddsUpTheExampleModel) {
  const RankMemory memory = rank_memory(testing::example_model(), {2, 10, 20, 30});
  const double parameters = 13598720;
  EXPECT_EQ(memory.weights.value, 2 * parameters);
  EXPECT_EQ(memory.gradients.value, 4 * parameters);
  EXPECT_EQ(memory.optimizer.value, 12 * parameters);
  const double values = 10 * 13312.0 + 30 * 3584.0 + 20 * 1024.0;
  EXPECT_EQ(memory.activations.value, 2 * values + 4 * 10 * 1016.0);
  EXPECT_EQ(memory.peak().value, 18 * parameters + memory.activations.value);
}

TEST(Memory, ARankThatReceivesMoreNeedsMore) {
  const RankMemory even = rank_memory(testing::example_model(), {2, 10, 20, 20});
  const RankMemory hot = rank_memory(testing::example_model(), {2, 10, 20, 40});
  EXPECT_EQ((hot.peak() - even.peak()).value, 2 * 20 * 3584.0);
}

}  // namespace
}  // namespace moesim::sim
