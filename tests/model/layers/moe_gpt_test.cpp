// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_gpt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace moesim::model {
namespace {

// Two layers; 13 tokens in windows of 5, so that the last window is short.
MoeGptShape small_shape() {
  MoeGptShape shape;
  shape.num_layers = 2;
  shape.hidden_size = 8;
  shape.moe_intermediate_size = 3;
  shape.block.attention = {2, 5};
  shape.block.moe = {5, 2, std::nullopt, TokenDropPolicy::probs, 0.05};
  return shape;
}

struct Bytes {
  std::vector<std::uint8_t> inputs;
  std::vector<std::uint8_t> targets;
};

Bytes random_bytes(int tokens) {
  base::Rng rng(5, "bytes");
  Bytes bytes;
  for (int t = 0; t < tokens; ++t) {
    bytes.inputs.push_back(static_cast<std::uint8_t>(rng.below(256)));
    bytes.targets.push_back(static_cast<std::uint8_t>(rng.below(256)));
  }
  return bytes;
}

double total_loss(const MoeGptWeights<double>& weights, const MoeGptShape& shape,
                  const Bytes& bytes) {
  MoeGptCache<double> cache;
  const MoeGptLoss loss = moe_gpt_loss(weights, shape, bytes.inputs, bytes.targets, cache);
  return loss.cross_entropy + loss.balance;
}

// Compares every element's slope (embedding and head: those of the first bytes' rows would do, but
// all are cheap) with a central difference; relative to the parameter group's largest slope.
void expect_right_gradient(const MoeGptShape& shape) {
  base::Rng rng(11, "gradient check");
  MoeGptWeights<double> weights = random_moe_gpt<double>(shape, rng);
  const Bytes bytes = random_bytes(13);
  MoeGptCache<double> cache;
  moe_gpt_loss(weights, shape, bytes.inputs, bytes.targets, cache);
  // The gradient is written, not added to: what was there before must not matter.
  MoeGptWeights<double> gradient = weights;
  const double scale = 0.5;
  MoeGptBackward<double>{weights, shape, scale}.run(cache, bytes.inputs, bytes.targets, gradient);
  const auto values = parameters(weights);
  const auto slopes = parameters(gradient);
  const double step = 1e-5;
  for (std::size_t p = 0; p < values.size(); ++p) {
    Matrix<double>& matrix = *values[p].matrix;
    double error = 0;
    double size = 0;
    const Index stride = std::max<Index>(1, matrix.size() / 300);
    for (Index i = 0; i < matrix.size(); i += stride) {
      const double kept = matrix.data()[i];
      matrix.data()[i] = kept + step;
      const double above = total_loss(weights, shape, bytes);
      matrix.data()[i] = kept - step;
      const double below = total_loss(weights, shape, bytes);
      matrix.data()[i] = kept;
      const double slope = scale * (above - below) / (2 * step);
      error = std::max(error, std::abs(slope - slopes[p].matrix->data()[i]));
      size = std::max(size, std::abs(slope));
    }
    EXPECT_GT(size, 0) << values[p].name;
    EXPECT_LT(error, 1e-6 * size) << values[p].name;
  }
}

TEST(MoeGpt, GradientMatchesDifferencesWithoutDrops) { expect_right_gradient(small_shape()); }

TEST(MoeGpt, GradientMatchesDifferencesWithDropsByProbability) {
  MoeGptShape shape = small_shape();
  shape.block.moe.capacity_factor = 0.6;
  expect_right_gradient(shape);
}

TEST(MoeGpt, GradientMatchesDifferencesWithDropsByPosition) {
  MoeGptShape shape = small_shape();
  shape.block.moe.capacity_factor = 0.6;
  shape.block.moe.token_drop_policy = TokenDropPolicy::position;
  expect_right_gradient(shape);
}

TEST(MoeGpt, GradientMatchesDifferencesWithATiedHead) {
  MoeGptShape shape = small_shape();
  shape.tied_head = true;
  expect_right_gradient(shape);
}

// A head of zeros gives every byte the same chance: ln 256 nats.
TEST(MoeGpt, AKnowNothingHeadCostsTheLogOfTheVocabulary) {
  const MoeGptShape shape = small_shape();
  base::Rng rng(1, "weights");
  MoeGptWeights<double> weights = random_moe_gpt<double>(shape, rng);
  weights.head.setZero();
  const Bytes bytes = random_bytes(13);
  MoeGptCache<double> cache;
  const MoeGptLoss loss = moe_gpt_loss(weights, shape, bytes.inputs, bytes.targets, cache);
  EXPECT_NEAR(loss.cross_entropy, std::log(256.0), 1e-12);
  EXPECT_GE(loss.balance, 0);
}

// Routing stops at the last gate and leaves the head out; the decisions are those of a full pass.
TEST(MoeGpt, RoutingIsThatOfTheFullPass) {
  MoeGptShape shape = small_shape();
  shape.block.moe.capacity_factor = 0.6;
  base::Rng rng(2, "weights");
  const MoeGptWeights<float> weights = random_moe_gpt<float>(shape, rng);
  const Bytes bytes = random_bytes(13);
  MoeGptCache<float> cache;
  moe_gpt_loss(weights, shape, bytes.inputs, bytes.targets, cache);
  const std::vector<RoutingBatch> batches = route_bytes(weights, shape, bytes.inputs);
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_EQ(batches[0], cache.blocks[0].moe.routing.batch);
  EXPECT_EQ(batches[1], cache.blocks[1].moe.routing.batch);
  EXPECT_NE(batches[0].experts, batches[1].experts);
}

TEST(MoeGpt, EveryParameterIsListedOnce) {
  const MoeGptShape shape = small_shape();
  base::Rng rng(2, "weights");
  MoeGptWeights<float> weights = random_moe_gpt<float>(shape, rng);
  const auto list = parameters(weights);
  // Two embeddings, ten matrices in each of two blocks, the final norm's two, the head.
  ASSERT_EQ(list.size(), 25U);
  for (std::size_t i = 0; i < list.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(list[i].matrix, list[j].matrix);
      EXPECT_NE(list[i].name, list[j].name);
    }
  }
}

}  // namespace
}  // namespace moesim::model
