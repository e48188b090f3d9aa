// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/expert_surgery.h"

#include <gtest/gtest.h>

#include "model/checkpoint/checkpoint.h"
#include "model/layers/moe_gpt.h"
#include "tests/model/checkpoint/scratch_files.h"
#include "tests/model/layers/small_model.h"
#include "tests/support/numerics.h"
#include "tests/support/words_text.h"

namespace moesim::model {
namespace {

using testing::OwnedPass;
using testing::random_bytes;
using testing::shaken_weights;

// Plain things that every part of a layer has: a learned noise row, a selection bias, biases.
MoeGptConfig rich_model() {
  MoeGptConfig config = testing::small_model();
  config.first_k_dense_replace = 1;
  config.mlp_bias = true;
  config.n_shared_experts = 1;
  config.router.type = RouterType::noisy_top_k;
  config.expert_intermediate_sizes = {3, 2, 4, 3, 3};
  return config;
}

Matrix<double> logits_of(const MoeGptConfig& config, const MoeGptWeights<double>& weights) {
  const OwnedPass<double> owned;
  return moe_gpt_logits<double>(weights, config, owned.pass, random_bytes(13).inputs);
}

// Experts in another order do the same work: renamed, all stay.
TEST(ExpertSurgery, AnotherOrderOfExpertsIsTheSameModel) {
  MoeGptConfig config = rich_model();
  auto weights = shaken_weights<double>(config, 3);
  const Matrix<double> before = logits_of(config, weights);
  const auto old = weights.blocks[1].moe;
  ExpertPlan plan(1);
  for (const int source : {3, 0, 4, 2, 1}) plan[0].push_back({.source = source});
  base::Rng rng(1, "surgery");
  change_experts(plan, rng, config, weights);
  EXPECT_EQ(config.expert_intermediate_sizes, (std::vector<int>{3, 3, 3, 4, 2}));
  EXPECT_LT((logits_of(config, weights) - before).norm(), 1e-12 * before.norm());
  EXPECT_EQ(weights.blocks[1].moe.router.noise.row(3), old.router.noise.row(2));
  // Expert 3 was units 9 to 11 of the stack and is its first three now.
  EXPECT_EQ(weights.blocks[1].moe.experts.down.topRows(3), old.experts.down.middleRows(9, 3));
  EXPECT_EQ(weights.blocks[1].moe.experts.up_bias.leftCols(3),
            old.experts.up_bias.middleCols(9, 3));
  EXPECT_EQ(weights.blocks[1].moe.experts.down_bias.row(0), old.experts.down_bias.row(3));
}

// An expert that no token chooses can go without a trace.
TEST(ExpertSurgery, AnUnusedExpertIsNotMissed) {
  MoeGptConfig config = testing::small_model();
  config.num_hidden_layers = 1;
  config.router.weights = RoutingWeights::softmax_selected;
  auto weights = shaken_weights<double>(config, 3);
  // The last row's logits are far below the others': its rows of normalised size cannot win.
  weights.blocks[0].ffn_norm.gain.setConstant(0.01);
  weights.blocks[0].ffn_norm.bias.setOnes();
  weights.blocks[0].moe.router.gate.row(2).setConstant(-5);
  const Matrix<double> before = logits_of(config, weights);
  base::Rng rng(1, "surgery");
  const std::vector<int> removed{2};
  change_experts(plan_to_remove(config, removed), rng, config, weights);
  EXPECT_EQ(config.router.num_experts, 4);
  EXPECT_EQ(weights.blocks[0].moe.router.gate.rows(), 4);
  EXPECT_EQ(weights.blocks[0].moe.experts.up.rows(), 12);
  EXPECT_LT((logits_of(config, weights) - before).norm(), 1e-12 * before.norm());
}

TEST(ExpertSurgery, ACopyDiffersByItsNoiseAndAFreshExpertByAll) {
  MoeGptConfig config = testing::small_model();
  config.moe_intermediate_size = 200;
  auto weights = shaken_weights<double>(config, 3);
  const std::vector<NewExpert> added{
      {.source = 1}, {.source = 1, .noise = 0.01}, {.source = NewExpert::kFresh}};
  base::Rng rng(1, "surgery");
  change_experts(plan_to_add(config, added), rng, config, weights);
  EXPECT_EQ(config.router.num_experts, 8);
  for (const BlockWeights<double>& block : weights.blocks) {
    const Matrix<double>& up = block.moe.experts.up;
    ASSERT_EQ(up.rows(), 1600);
    const auto part = [&](int expert) { return up.middleRows(200 * expert, 200); };
    EXPECT_EQ(part(5), part(1));
    // 1600 elements: the noise's size is within five deviations, 0.01 sqrt(0.5 / 1600) each.
    const double noise = (part(6) - part(1)).norm() / part(1).norm();
    EXPECT_NEAR(noise, 0.01, 0.05 * std::sqrt(0.5 / 1600));
    EXPECT_GT((part(7) - part(1)).norm(), part(1).norm());
    EXPECT_EQ(block.moe.router.gate.row(5), block.moe.router.gate.row(1));
    EXPECT_NE(block.moe.router.gate.row(6), block.moe.router.gate.row(1));
  }
}

TEST(ExpertSurgery, AFailedPlanChangesNothing) {
  MoeGptConfig config = rich_model();
  auto weights = shaken_weights<float>(config, 3);
  const auto gate = weights.blocks[1].moe.router.gate;
  const std::vector<int> removed{0, 1, 2, 3};
  base::Rng rng(1, "surgery");
  EXPECT_ANY_THROW(change_experts(plan_to_remove(config, removed), rng, config, weights));
  EXPECT_EQ(config, rich_model());
  EXPECT_EQ(weights.blocks[1].moe.router.gate, gate);
}

struct RunningModel {
  MoeGptConfig config = testing::small_model();
  TrainingConfig training;
  std::vector<std::uint8_t> text = testing::words_text(400);

  RunningModel() {
    config.hidden_size = 16;
    config.seq_length = 16;
    config.moe_intermediate_size = 12;
    training.steps = 60;
    training.batch_size = 4;
    training.learning_rate = 1e-2;
  }

  TrainerState train_on(TrainerState state) const {
    Trainer trainer(config, training, text, 1, std::move(state));
    for (int i = 0; i < 30; ++i) trainer.step();
    trainer.validate();
    return std::move(trainer).take_state();
  }
  TrainerState train_first() const {
    Trainer trainer(config, training, text, 1);
    for (int i = 0; i < 30; ++i) trainer.step();
    trainer.validate();
    return std::move(trainer).take_state();
  }
};

double last_validation(const TrainerState& state) { return state.history.validations.back().loss; }

// A model in training is changed, and trains on to a lower loss.
void expect_training_goes_on(const ExpertPlan& plan, bool bf16) {
  RunningModel model;
  model.training.bf16_weights = bf16;
  TrainerState state = model.train_first();
  const double before = last_validation(state);
  base::Rng rng(1, "surgery");
  change_experts(plan, rng, model.config, state);
  EXPECT_EQ(state.optimizer.momentum.size(), state.optimizer.variance.size());
  EXPECT_EQ(state.optimizer.masters.empty(), !bf16);
  state = model.train_on(std::move(state));
  EXPECT_EQ(state.step, 60);
  EXPECT_LT(last_validation(state), before - 0.05);
}

TEST(ExpertSurgery, AddedExpertsTrainOn) {
  const std::vector<NewExpert> added{{.source = 1, .noise = 0.02}, {}};
  const ExpertPlan plan = plan_to_add(RunningModel().config, added);
  expect_training_goes_on(plan, false);
  expect_training_goes_on(plan, true);
}

TEST(ExpertSurgery, AModelWithoutOneExpertTrainsOn) {
  const std::vector<int> removed{3};
  expect_training_goes_on(plan_to_remove(RunningModel().config, removed), false);
}

TEST(ExpertSurgery, APrunedModelTrainsOn) {
  const std::vector<std::vector<std::int64_t>> usage{{5, 0, 9, 1, 2}, {3, 3, 1, 7, 6}};
  expect_training_goes_on(plan_to_prune(RunningModel().config, usage, 3), true);
}

// A row of the usage takes 3 of 300 steps, and step 31 begins one that is not full when the experts
// change.
class ExpertSurgeryFiles : public moesim::testing::ScratchFiles {};

TEST_F(ExpertSurgeryFiles, TheUsageBeginsAnewAndTheRunIsSavedAndLoaded) {
  RunningModel model;
  model.training.steps = 300;
  Trainer first(model.config, model.training, model.text, 1);
  for (int i = 0; i < 31; ++i) first.step();
  TrainerState state = std::move(first).take_state();
  ASSERT_EQ(state.history.usage.back().first_step, 31);
  const std::vector<NewExpert> added{{.source = 1}};
  base::Rng rng(1, "surgery");
  change_experts(plan_to_add(model.config, added), rng, model.config, state);
  EXPECT_TRUE(state.history.usage.empty());

  Trainer second(model.config, model.training, model.text, 1, std::move(state));
  for (int i = 0; i < 5; ++i) second.step();
  const CheckpointSubject subject{model.config, model.training, identify_text(model.text)};
  save_checkpoint(folder_, subject, second.state());
  const Checkpoint loaded = load_checkpoint(folder_);
  EXPECT_EQ(loaded.state.history, second.state().history);
  const std::vector<LayerUsage> total = total_usage(loaded.state.history);
  ASSERT_EQ(total.size(), 2U);
  EXPECT_EQ(total[0].chosen.size(), 6U);
  EXPECT_EQ(total[0].tokens, 5 * 4 * 16);
}

// What the optimizer remembers of an expert goes where the expert goes. The trained parameters of a
// model with tied head and biases in attention only: embedding 2; each block norm 2, attention 4,
// norm 2, router 1, then the experts' gate, up, down: of block 0 entry 2 + 9 + 1 is up.
TEST(ExpertSurgery, MomentsFollowTheirExperts) {
  RunningModel model;
  TrainerState state = model.train_first();
  const Matrix<float> up = state.optimizer.variance[12];
  const Matrix<float> position = state.optimizer.variance[1];
  ASSERT_EQ(up.rows(), 5 * 12);
  ExpertPlan plan(2);
  for (auto& layer : plan) layer = {{.source = 4, .noise = 0.5}, {}, {.source = 2}};
  base::Rng rng(1, "surgery");
  change_experts(plan, rng, model.config, state);
  const Matrix<float>& changed = state.optimizer.variance[12];
  ASSERT_EQ(changed.rows(), 3 * 12);
  EXPECT_GT(up.bottomRows(12).norm(), 0);
  EXPECT_EQ(changed.topRows(12), up.bottomRows(12));
  EXPECT_EQ(changed.middleRows(12, 12).norm(), 0);
  EXPECT_EQ(changed.bottomRows(12), up.middleRows(24, 12));
  EXPECT_EQ(state.optimizer.variance[1], position);
}

}  // namespace
}  // namespace moesim::model
