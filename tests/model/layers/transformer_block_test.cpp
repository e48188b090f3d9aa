// SPDX-License-Identifier: Apache-2.0
#include "model/layers/transformer_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/model/layers/small_model.h"
#include "tests/support/numerics.h"

namespace moesim::model {
namespace {

using testing::OwnedPass;
using testing::random_matrix;
using testing::shaken_weights;
using testing::small_model;

TEST(BlockShape, FollowsTheConfiguration) {
  MoeGptConfig config = small_model();
  config.num_hidden_layers = 4;
  config.first_k_dense_replace = 1;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.expert_intermediate_sizes = {1, 5, 2, 4, 3};
  config.n_shared_experts = 2;
  const BlockShape dense = block_shape(config, 0);
  EXPECT_FALSE(dense.is_moe);
  EXPECT_EQ(dense.dense.first, (std::vector<Index>{0, 6}));
  const BlockShape moe = block_shape(config, 3);
  EXPECT_TRUE(moe.is_moe);
  EXPECT_EQ(moe.layer, 3);
  EXPECT_EQ(moe.moe.experts.first, (std::vector<Index>{0, 1, 6, 8, 12, 15}));
  EXPECT_EQ(moe.moe.shared.first, (std::vector<Index>{0, 6}));
  EXPECT_EQ(moe.attention.head_size, 2);
  EXPECT_EQ(moe.attention.key_value_width(), 4);
}

// No two dropouts of a model may draw the same numbers.
TEST(BlockShape, EveryDropoutHasANameOfItsOwn) {
  MoeGptConfig config = small_model();
  config.n_shared_experts = 1;
  std::vector<std::string> names;
  for (const int layer : {0, 1}) {
    const BlockShape shape = block_shape(config, layer);
    names.insert(names.end(),
                 {shape.attention.name, shape.moe.experts.name, shape.moe.shared.name, shape.name});
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

struct BlockRun {
  MoeGptConfig config = small_model();
  OwnedPass<double> owned;
  Matrix<double> x;
  Matrix<double> y;
  BlockCache<double> cache;

  void run(int layer, const MoeGptWeights<double>& weights) {
    base::Rng rng(2, "x");
    x = random_matrix<double>(13, config.hidden_size, rng);
    y = x;
    const BlockShape shape = block_shape(config, layer);
    const TokenContext context{{}, config.seq_length, layer};
    const TransformerBlock<double> block{weights.blocks[layer], shape, context, owned.pass};
    block.forward(y, cache);
  }
};

// With projections of zero, each part adds nothing: the block is the identity.
TEST(TransformerBlock, WhatItAddsGoesThroughTheProjections) {
  for (const int layer : {0, 1}) {
    BlockRun run;
    run.config.first_k_dense_replace = 1;
    MoeGptWeights<double> weights = shaken_weights<double>(run.config, 3);
    run.run(layer, weights);
    EXPECT_GT((run.y - run.x).norm(), 0.1);
    BlockWeights<double>& block = weights.blocks[layer];
    block.attention.output.weight.setZero();
    block.attention.output.bias.setZero();
    block.moe.experts.down.setZero();
    block.dense.down.setZero();
    run.run(layer, weights);
    EXPECT_EQ(run.y, run.x);
  }
}

// With attention's projection zero, the feed-forward part sees norm(x): gain and bias are those of
// the second norm alone.
TEST(TransformerBlock, TheFeedForwardPartSeesTheSecondNorm) {
  BlockRun run;
  MoeGptWeights<double> weights = shaken_weights<double>(run.config, 3);
  BlockWeights<double>& block = weights.blocks[0];
  block.attention.output.weight.setZero();
  block.attention.output.bias.setZero();
  run.run(0, weights);
  for (Index t = 0; t < run.x.rows(); ++t) {
    const auto row = run.x.row(t).array();
    const double mean = row.mean();
    const double deviation = std::sqrt((row - mean).square().mean() + 1e-5);
    const Matrix<double> expected =
        (row - mean) / deviation * block.ffn_norm.gain.array() + block.ffn_norm.bias.array();
    EXPECT_LT((run.cache.ffn_input.row(t) - expected).norm(), 1e-12);
  }
}

// Which of the block's 104 elements stay as they are under residual dropout at rate 0.5; checks
// that the others get twice what they get without.
std::vector<bool> dropped_elements(const MoeGptWeights<double>& weights) {
  BlockRun plain;
  plain.run(0, weights);
  BlockRun dropping;
  dropping.config.residual_dropout = 0.5;
  dropping.owned.pass.training = true;
  dropping.run(0, weights);
  std::vector<bool> dropped;
  for (Index i = 0; i < plain.x.size(); ++i) {
    const double added = plain.y.data()[i] - plain.x.data()[i];
    const double kept = dropping.y.data()[i] - dropping.x.data()[i];
    dropped.push_back(kept == 0);
    EXPECT_TRUE(kept == 0 || std::abs(kept - 2 * added) < 1e-12);
  }
  return dropped;
}

// About half of the elements, deviation 5; and each part has draws of its own.
TEST(TransformerBlock, ResidualDropoutIsOnWhatAPartAdds) {
  const MoeGptWeights<double> weights = shaken_weights<double>(small_model(), 3);
  MoeGptWeights<double> ffn_alone = weights;
  ffn_alone.blocks[0].attention.output.weight.setZero();
  ffn_alone.blocks[0].attention.output.bias.setZero();
  MoeGptWeights<double> attention_alone = weights;
  attention_alone.blocks[0].moe.experts.down.setZero();
  const std::vector<bool> of_ffn = dropped_elements(ffn_alone);
  const std::vector<bool> of_attention = dropped_elements(attention_alone);
  for (const auto& dropped : {of_ffn, of_attention}) {
    EXPECT_NEAR(static_cast<double>(std::count(dropped.begin(), dropped.end(), true)), 52, 26);
  }
  EXPECT_NE(of_ffn, of_attention);
}

}  // namespace
}  // namespace moesim::model
