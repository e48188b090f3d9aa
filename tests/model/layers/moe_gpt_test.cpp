// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_gpt.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/layers/small_model.h"
#include "tests/support/numerics.h"

namespace moesim::model {
namespace {

using testing::Bytes;
using testing::expect_slopes;
using testing::OwnedPass;
using testing::random_bytes;
using testing::shaken_weights;
using testing::small_model;

template <class S>
struct PassResult {
  MoeGptLoss loss;
  MoeGptWeights<S> gradient;
  MoeGptCache<S> cache;
};

struct PassSettings {
  int threads = 1;
  bool training = false;
  bool recompute = false;
  double loss_scale = 1;
};

template <class S>
PassResult<S> run_once(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                       const Bytes& bytes, const PassSettings& settings) {
  OwnedPass<S> owned(settings.threads);
  owned.pass.training = settings.training;
  owned.pass.seed = 9;
  PassResult<S> run;
  run.cache.recompute_blocks = settings.recompute;
  // The gradient is written, not added to: what was there before must not matter.
  run.gradient = weights;
  const TokenBatch batch = bytes.batch();
  run.loss = moe_gpt_loss(weights, config, owned.pass, batch, run.cache);
  const MoeGptBackward<S> backward{weights, config, owned.pass, batch, settings.loss_scale};
  backward.run(run.cache, run.gradient);
  return run;
}

// Every parameter's slopes against central differences; relative to the parameter's largest slope.
void expect_right_gradient(const MoeGptConfig& config, bool training = false) {
  MoeGptWeights<double> weights = shaken_weights<double>(config, 11);
  const Bytes bytes = random_bytes(13);
  PassResult<double> run =
      run_once(weights, config, bytes, {.training = training, .loss_scale = 0.5});
  OwnedPass<double> owned;
  owned.pass.training = training;
  owned.pass.seed = 9;
  MoeGptCache<double> cache;
  const TokenBatch batch = bytes.batch();
  const auto loss = [&] {
    const MoeGptLoss parts = moe_gpt_loss(weights, config, owned.pass, batch, cache);
    return 0.5 * (parts.cross_entropy + parts.balance);
  };
  const auto values = parameters(weights);
  const auto slopes = parameters(run.gradient);
  ASSERT_EQ(values.size(), slopes.size());
  for (std::size_t p = 0; p < values.size(); ++p) {
    EXPECT_EQ(values[p].name, slopes[p].name);
    if (!values[p].trained) continue;
    expect_slopes({.name = values[p].name, .tolerance = 1e-6}, *values[p].matrix, *slopes[p].matrix,
                  loss);
  }
}

TEST(MoeGpt, GradientMatchesDifferences) { expect_right_gradient(small_model()); }

TEST(MoeGpt, GradientMatchesDifferencesForPlainExpertsOfEveryActivation) {
  for (const auto& [activation, name] : names_of(Activation{})) {
    SCOPED_TRACE(name);
    MoeGptConfig config = small_model();
    config.gated = false;
    config.hidden_act = activation;
    config.mlp_bias = true;
    config.n_shared_experts = 1;
    expect_right_gradient(config);
  }
}

TEST(MoeGpt, GradientMatchesDifferencesForGatedExpertsOfEveryActivation) {
  for (const auto& [activation, name] : names_of(Activation{})) {
    SCOPED_TRACE(name);
    MoeGptConfig config = small_model();
    config.hidden_act = activation;
    config.mlp_bias = true;
    config.attention_bias = false;
    expect_right_gradient(config);
  }
}

TEST(MoeGpt, GradientMatchesDifferencesWithAnUntiedHead) {
  MoeGptConfig config = small_model();
  config.tie_word_embeddings = false;
  expect_right_gradient(config);
}

TEST(MoeGpt, GradientMatchesDifferencesWithSharedExpertsAndDifferingSizes) {
  MoeGptConfig config = small_model();
  config.n_shared_experts = 2;
  config.expert_intermediate_sizes = {1, 5, 2, 4, 3};
  config.mlp_bias = true;
  expect_right_gradient(config);
}

TEST(MoeGpt, GradientMatchesDifferencesWithDenseAndMoeBlocks) {
  MoeGptConfig config = small_model();
  config.num_hidden_layers = 3;
  config.first_k_dense_replace = 1;
  config.moe_layer_freq = 2;
  expect_right_gradient(config);
  config.use_moe = false;
  expect_right_gradient(config);
}

TEST(MoeGpt, GradientMatchesDifferencesWithGroupedKeyValueHeads) {
  MoeGptConfig config = small_model();
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  expect_right_gradient(config);
}

TEST(MoeGpt, GradientMatchesDifferencesWithDrops) {
  for (const TokenDropPolicy policy : {TokenDropPolicy::probs, TokenDropPolicy::position}) {
    MoeGptConfig config = small_model();
    config.router.capacity_factor = 0.6;
    config.router.token_drop_policy = policy;
    expect_right_gradient(config);
  }
}

TEST(MoeGpt, GradientMatchesDifferencesUnderDropout) {
  MoeGptConfig config = small_model();
  config.first_k_dense_replace = 1;
  config.embedding_dropout = 0.1;
  config.attention_dropout = 0.2;
  config.residual_dropout = 0.3;
  config.expert_dropout = 0.4;
  config.n_shared_experts = 1;
  expect_right_gradient(config, true);
}

template <class S>
void expect_same_bits(PassResult<S>& a, PassResult<S>& b) {
  EXPECT_EQ(a.loss.cross_entropy, b.loss.cross_entropy);
  EXPECT_EQ(a.loss.balance, b.loss.balance);
  const auto first = parameters(a.gradient);
  const auto second = parameters(b.gradient);
  for (std::size_t p = 0; p < first.size(); ++p) {
    if (!first[p].trained) continue;
    EXPECT_EQ(*first[p].matrix, *second[p].matrix) << first[p].name;
  }
}

// Everything that draws or drops, and both kinds of blocks.
MoeGptConfig busy_model() {
  MoeGptConfig config = small_model();
  config.num_hidden_layers = 3;
  config.seq_length = 64;
  config.hidden_size = 32;
  config.moe_layer_freq = 2;
  config.n_shared_experts = 1;
  config.mlp_bias = true;
  config.router.type = RouterType::noisy_top_k;
  config.router.capacity_factor = 1;
  config.embedding_dropout = 0.1;
  config.attention_dropout = 0.1;
  config.residual_dropout = 0.1;
  config.expert_dropout = 0.1;
  return config;
}

TEST(MoeGpt, TheNumberOfThreadsChangesNoBit) {
  const MoeGptConfig config = busy_model();
  const auto weights = shaken_weights<float>(config, 3);
  const Bytes bytes = random_bytes(300);
  PassResult<float> alone = run_once(weights, config, bytes, {.threads = 1, .training = true});
  for (const int threads : {2, 4}) {
    PassResult<float> together =
        run_once(weights, config, bytes, {.threads = threads, .training = true});
    expect_same_bits(alone, together);
  }
}

TEST(MoeGpt, RecomputationChangesNoBit) {
  const MoeGptConfig config = busy_model();
  const auto weights = shaken_weights<float>(config, 3);
  const Bytes bytes = random_bytes(300);
  PassResult<float> kept = run_once(weights, config, bytes, {.training = true});
  PassResult<float> again = run_once(weights, config, bytes, {.training = true, .recompute = true});
  expect_same_bits(kept, again);
  for (const int layer : {0, 2}) {
    EXPECT_EQ(kept.cache.blocks[layer].moe.router.batch,
              again.cache.blocks[layer].moe.router.batch);
    EXPECT_EQ(kept.cache.blocks[layer].moe.router.load, again.cache.blocks[layer].moe.router.load);
  }
}

// What no later pass reads lies once in memory: with the last layer after a forward pass, with the
// first after the way back.
TEST(MoeGpt, LayersShareOneScratch) {
  MoeGptConfig config = small_model();
  config.num_hidden_layers = 3;
  config.n_shared_experts = 1;
  const auto weights = shaken_weights<float>(config, 3);
  const Bytes bytes = random_bytes(13);
  const TokenBatch batch = bytes.batch();
  const OwnedPass<float> owned;
  PassResult<float> result;
  result.gradient = weights;
  const auto expect_scratch_at = [&](int holder) {
    for (int layer = 0; layer < 3; ++layer) {
      const BlockCache<float>& block = result.cache.blocks[layer];
      EXPECT_EQ(block.branch.size() > 0, layer == holder);
      EXPECT_EQ(block.moe.scratch.output.size() > 0, layer == holder);
      EXPECT_EQ(block.moe.experts.activated.size() > 0, layer == holder);
      EXPECT_EQ(block.moe.shared.activated.size() > 0, layer == holder);
    }
  };
  for (int i = 0; i < 2; ++i) {
    moe_gpt_loss(weights, config, owned.pass, batch, result.cache);
    expect_scratch_at(2);
  }
  MoeGptBackward<float>{weights, config, owned.pass, batch}.run(result.cache, result.gradient);
  expect_scratch_at(0);
}

// A cache that has seen other tokens, and forward passes without a way back, gives the same.
TEST(MoeGpt, WhatACacheHasSeenDoesNotMatter) {
  const MoeGptConfig config = busy_model();
  const auto weights = shaken_weights<float>(config, 3);
  const Bytes bytes = random_bytes(200);
  PassResult<float> fresh = run_once(weights, config, bytes, {.training = true});
  OwnedPass<float> owned;
  owned.pass.training = true;
  owned.pass.seed = 9;
  PassResult<float> used;
  used.gradient = zero_gradient(weights);
  const Bytes others[] = {random_bytes(300, 1), random_bytes(70, 2)};
  for (const Bytes& other : others) {
    moe_gpt_loss(weights, config, owned.pass, other.batch(), used.cache);
  }
  const TokenBatch batch = bytes.batch();
  used.loss = moe_gpt_loss(weights, config, owned.pass, batch, used.cache);
  MoeGptBackward<float>{weights, config, owned.pass, batch}.run(used.cache, used.gradient);
  expect_same_bits(fresh, used);
}

// Two calls that add: the sum of the two calls' own gradients.
TEST(MoeGpt, GradientsOfTwoCallsAddUp) {
  MoeGptConfig config = small_model();
  config.n_shared_experts = 1;
  config.mlp_bias = true;
  config.first_k_dense_replace = 1;
  const auto weights = shaken_weights<double>(config, 3);
  const Bytes parts[] = {random_bytes(10, 1), random_bytes(13, 2)};
  PassResult<double> first = run_once(weights, config, parts[0], {});
  PassResult<double> second = run_once(weights, config, parts[1], {});
  OwnedPass<double> owned;
  MoeGptCache<double> cache;
  MoeGptWeights<double> sum = weights;
  for (const Bytes& part : parts) {
    const TokenBatch batch = part.batch();
    moe_gpt_loss(weights, config, owned.pass, batch, cache);
    MoeGptBackward<double>{weights, config, owned.pass, batch}.run(cache, sum);
    owned.pass.add_gradients = true;
  }
  const auto a = parameters(first.gradient);
  const auto b = parameters(second.gradient);
  const auto both = parameters(sum);
  for (std::size_t p = 0; p < both.size(); ++p) {
    const Matrix<double> expected = *a[p].matrix + *b[p].matrix;
    EXPECT_LE((*both[p].matrix - expected).norm(), 1e-14 * (1 + expected.norm())) << both[p].name;
  }
}

// A head of zeros gives every byte the same chance: ln 256 nats.
TEST(MoeGpt, AKnowNothingHeadCostsTheLogOfTheVocabulary) {
  MoeGptConfig config = small_model();
  config.tie_word_embeddings = false;
  MoeGptWeights<double> weights = shaken_weights<double>(config, 1);
  weights.head.setZero();
  const PassResult<double> run = run_once(weights, config, random_bytes(13), {});
  EXPECT_NEAR(run.loss.cross_entropy, std::log(256.0), 1e-12);
  EXPECT_GE(run.loss.balance, 0);
}

// The loss is the mean of -log softmax(logits) at the targets.
TEST(MoeGpt, TheLossIsThatOfTheLogits) {
  const MoeGptConfig config = small_model();
  const auto weights = shaken_weights<double>(config, 1);
  const Bytes bytes = random_bytes(13);
  const OwnedPass<double> owned;
  const Matrix<double> logits = moe_gpt_logits<double>(weights, config, owned.pass, bytes.inputs);
  ASSERT_EQ(logits.rows(), 13);
  ASSERT_EQ(logits.cols(), 256);
  double sum = 0;
  for (int t = 0; t < 13; ++t) {
    sum += std::log(logits.row(t).array().exp().sum()) - logits(t, bytes.targets[t]);
  }
  const PassResult<double> run = run_once(weights, config, bytes, {});
  EXPECT_NEAR(run.loss.cross_entropy, sum / 13, 1e-12);
}

// A token sees itself and what came before it in its sequence, nothing else.
TEST(MoeGpt, LogitsDependOnThePastOfTheSequenceAlone) {
  const MoeGptConfig config = small_model();
  const auto weights = shaken_weights<double>(config, 1);
  Bytes bytes = random_bytes(13);
  const OwnedPass<double> owned;
  const Matrix<double> before = moe_gpt_logits<double>(weights, config, owned.pass, bytes.inputs);
  bytes.inputs[7] ^= 1;  // the third token of the second sequence
  const Matrix<double> after = moe_gpt_logits<double>(weights, config, owned.pass, bytes.inputs);
  for (int t = 0; t < 13; ++t) {
    EXPECT_EQ(before.row(t) == after.row(t), t < 7 || t > 9) << "token " << t;
  }
}

// Routing stops at the last gate and leaves the head out; the decisions are those of a full pass.
TEST(MoeGpt, RoutingIsThatOfTheFullPass) {
  MoeGptConfig config = small_model();
  config.num_hidden_layers = 4;
  config.first_k_dense_replace = 1;
  config.moe_layer_freq = 2;
  config.router.capacity_factor = 0.6;
  const auto weights = shaken_weights<float>(config, 2);
  const Bytes bytes = random_bytes(13);
  const PassResult<float> run = run_once(weights, config, bytes, {});
  const OwnedPass<float> owned;
  const auto batches = route_bytes<float>(weights, config, owned.pass, bytes.inputs);
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_EQ(batches[0], run.cache.blocks[1].moe.router.batch);
  EXPECT_EQ(batches[1], run.cache.blocks[3].moe.router.batch);
  EXPECT_NE(batches[0].experts, batches[1].experts);
}

}  // namespace
}  // namespace moesim::model
