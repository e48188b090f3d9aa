// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_gpt_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/model/layers/small_model.h"

namespace moesim::model {
namespace {

using testing::shaken_weights;
using testing::small_model;

// Embeddings 2; a MoE block: norms 4, attention 4, router 1, experts 3, shared 3; a dense block:
// norms 4, attention 4, dense 3; final norm 2; head 1. With biases in the feed-forward parts
// another 3 for each stack.
TEST(MoeGptWeights, EveryParameterIsListedOnce) {
  MoeGptConfig config = small_model();
  config.first_k_dense_replace = 1;
  config.n_shared_experts = 1;
  config.tie_word_embeddings = false;
  auto weights = shaken_weights<float>(config, 2);
  EXPECT_EQ(parameters(weights).size(), 2U + 15U + 11U + 3U);
  config.mlp_bias = true;
  weights = shaken_weights<float>(config, 2);
  const auto list = parameters(weights);
  EXPECT_EQ(list.size(), 2U + 21U + 14U + 3U);
  std::set<const Matrix<float>*> matrices;
  std::set<std::string> names;
  for (const Parameter<float>& parameter : list) {
    matrices.insert(parameter.matrix);
    names.insert(parameter.name);
    EXPECT_EQ(parameter.per_expert, parameter.name.starts_with("blocks.1.moe.experts."));
    EXPECT_EQ(parameter.layer >= 0, parameter.name.starts_with("blocks."));
  }
  EXPECT_EQ(matrices.size(), list.size());
  EXPECT_EQ(names.size(), list.size());
}

// 256 x 8 elements of variance 1/8: their mean square is within five deviations of that,
// (1/8) sqrt(0.8 / 2048) each (the fourth moment of a uniform variable is 9/5 of its squared
// variance). The experts' down-projections have variance 1 / (3 units x 2 x 2 layers).
TEST(MoeGptWeights, RandomWeightsHaveTheFanInsVariance) {
  base::Rng rng(4, "weights");
  const auto weights = random_moe_gpt<double>(small_model(), rng);
  const double square = weights.embedding.token.array().square().mean();
  EXPECT_NEAR(square, 0.125, 5 * 0.125 * std::sqrt(0.8 / 2048));
  const double down = weights.blocks[0].moe.experts.down.array().square().mean();
  EXPECT_NEAR(down, 1.0 / 12, 5.0 / 12 * std::sqrt(0.8 / 120));
  EXPECT_EQ(weights.blocks[0].attention.output.bias.norm(), 0);
  EXPECT_EQ(weights.head.size(), 0);
}

}  // namespace
}  // namespace moesim::model
