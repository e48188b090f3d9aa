// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/layer_cost.h"

#include <gtest/gtest.h>

#include <vector>

#include "model/spec/parameter_count.h"
#include "tests/support/example_model.h"

namespace moesim::sim {
namespace {

// A machine without overhead or waves whose memory is free: times are FLOPs / 1 TFLOP/s.
topologies::Accelerator flops_only() {
  topologies::Accelerator accelerator;
  accelerator.achievable_bf16 = base::FlopsPerSecond(1e12);
  accelerator.memory_bandwidth = base::BytesPerSecond(1e30);
  accelerator.achievable_memory_fraction = 1;
  accelerator.roofline_exponent = 100;
  return accelerator;
}

// hidden 1024, expert 512, gated, 128 rows in one expert (whole tiles, whole depth steps):
// forward 3 matrices * 2 * 128 * 1024 * 512 = 402.65 MFLOP; backward exactly twice.
TEST(LayerCost, GatedExpertsCostThreeGemmsForwardAndSixBackward) {
  const LayerCost cost(testing::example_model(), flops_only(), 128);
  const std::vector<int> rows{128};
  const PassTimes times = cost.experts(rows);
  const double forward = 3 * 2.0 * 128 * 1024 * 512 / 1e12;
  EXPECT_NEAR(times.forward.value, forward, forward * 1e-9);
  EXPECT_NEAR(times.backward.value, 2 * forward, forward * 1e-9);
}

TEST(LayerCost, PlainExpertsCostTwoGemms) {
  model::ModelSpec spec = testing::example_model();
  spec.gated_experts = false;
  const LayerCost cost(spec, flops_only(), 128);
  const std::vector<int> rows{128};
  const double forward = 2 * 2.0 * 128 * 1024 * 512 / 1e12;
  EXPECT_NEAR(cost.experts(rows).forward.value, forward, forward * 1e-9);
}

// 8 heads of 128, 2 key-value heads, 256 tokens in sequences of 256. Projections: q, k, v
// 1024 -> 1536 and out 1024 -> 1024: 2*256*1024*(1536+1024). Causal scores: each token sees 128
// keys on average: 2 * 128 * 8 * (128 + 128) per token.
TEST(LayerCost, AttentionIsProjectionsAndCausalScores) {
  const LayerCost cost(testing::example_model(), flops_only(), 256);
  const double projections = 2.0 * 256 * 1024 * (1536 + 1024);
  const double scores = 256 * 2.0 * 128 * 8 * 256;
  const double forward = (projections + scores) / 1e12;
  EXPECT_NEAR(cost.attention(256).forward.value, forward, forward * 1e-9);
  EXPECT_NEAR(cost.attention(256).backward.value, 2 * forward, forward * 1e-9);
}

TEST(LayerCost, NothingToDoCostsNothing) {
  const LayerCost cost(testing::example_model(), flops_only(), 128);
  const std::vector<int> rows{0, 0};
  EXPECT_EQ(cost.attention(0).forward.value, 0);
  EXPECT_EQ(cost.experts(rows).backward.value, 0);
  EXPECT_EQ(cost.router(0, 0).forward.value, 0);
  EXPECT_EQ(cost.shared_expert(128).forward.value, 0) << "the model has none";
}

// 30 bytes for each of a million parameters at 1 GB/s: 30 ms.
TEST(LayerCost, OptimizerMovesThirtyBytesAParameter) {
  topologies::Accelerator accelerator = flops_only();
  accelerator.memory_bandwidth = base::BytesPerSecond(1e9);
  const LayerCost cost(testing::example_model(), accelerator, 128);
  EXPECT_NEAR(cost.optimizer(1000000).value, 0.03, 1e-9);
}

// Activated matrices of the example model (2 layers): attention 2*(1024*1536 + 1024*1024) =
// 5,242,880; router 2*1024*8 = 16,384; top-2 experts 2*2*3*1024*512 = 6,291,456; head 1000*1024 =
// 1,024,000. 6 FLOPs each. Scores of 256-token sequences: 3 * 2 * 128 * 8 * 256 * 2 layers.
TEST(LayerCost, ModelFlopsAreSixPerActivatedParameterAndScores) {
  const double matrices = 5242880.0 + 16384 + 6291456 + 1024000;
  const double scores = 3.0 * 2 * 128 * 8 * 256 * 2;
  EXPECT_NEAR(model_flops_per_token(testing::example_model(), 256).value, 6 * matrices + scores,
              1e-6);
}

}  // namespace
}  // namespace moesim::sim
