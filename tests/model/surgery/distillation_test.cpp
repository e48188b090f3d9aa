// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/distillation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "model/checkpoint/float16.h"
#include "model/train/trainer.h"
#include "tests/model/layers/small_model.h"
#include "tests/support/words_text.h"

namespace moesim::model {
namespace {

struct Teacher {
  MoeGptConfig config = testing::small_model();
  TrainingConfig training;
  std::vector<std::uint8_t> text = testing::words_text(400);
  base::ThreadPool threads{1};

  Teacher() {
    config.hidden_size = 16;
    config.seq_length = 16;
    config.moe_intermediate_size = 12;
    config.intermediate_size = 32;
    config.n_shared_experts = 1;
    training.steps = 60;
    training.batch_size = 4;
    training.learning_rate = 1e-2;
  }

  MoeGptWeights<float> trained() const {
    Trainer trainer(config, training, text, 1);
    for (int i = 0; i < 40; ++i) trainer.step();
    return std::move(trainer).take_state().weights;
  }
};

double validation_loss(const Teacher& teacher, const MoeGptWeights<float>& weights) {
  TrainerState state;
  state.weights = weights;
  state.optimizer = fresh_optimizer(teacher.training, parameters(state.weights));
  Trainer trainer(teacher.config, teacher.training, teacher.text, 1, std::move(state));
  return trainer.validate();
}

// The student comes near its teacher; the model with it is nearly as good, and trains on.
TEST(Distillation, ADenseLayerLearnsAMoeLayersWork) {
  Teacher teacher;
  MoeGptWeights<float> weights = teacher.trained();
  const double with_experts = validation_loss(teacher, weights);
  teacher.training.steps = 300;
  const DistillationReport report = distill_first_moe_layer(
      teacher.training, teacher.text, teacher.threads, teacher.config, weights);
  EXPECT_EQ(report.layer, 0);
  EXPECT_GT(report.loss_before, 0.5 * report.target_size);
  EXPECT_LT(report.loss_after, 0.1 * report.target_size);
  EXPECT_LT(report.loss_after, 0.1 * report.loss_before);
  EXPECT_EQ(teacher.config.first_k_dense_replace, 1);
  EXPECT_EQ(weights.blocks[0].moe.experts.up.size(), 0);
  EXPECT_EQ(weights.blocks[0].dense.up.rows(), 32);
  const double distilled = validation_loss(teacher, weights);
  EXPECT_LT(distilled, with_experts + 0.3);

  TrainerState state;
  state.weights = weights;
  state.optimizer = fresh_optimizer(teacher.training, parameters(state.weights));
  Trainer trainer(teacher.config, teacher.training, teacher.text, 1, std::move(state));
  for (int i = 0; i < 40; ++i) trainer.step();
  EXPECT_LT(trainer.validate(), distilled - 0.05);
}

TEST(Distillation, LayerAfterLayerTheModelBecomesDense) {
  Teacher teacher;
  teacher.config.num_hidden_layers = 4;
  teacher.config.moe_layer_freq = 2;  // layers 0 and 2
  teacher.training.steps = 5;
  base::Rng rng(1, "weights");
  MoeGptWeights<float> weights = random_moe_gpt<float>(teacher.config, rng);
  for (const int layer : {0, 2}) {
    const DistillationReport report = distill_first_moe_layer(
        teacher.training, teacher.text, teacher.threads, teacher.config, weights);
    EXPECT_EQ(report.layer, layer);
    EXPECT_LT(report.loss_after, report.loss_before);
  }
  EXPECT_FALSE(teacher.config.use_moe);
  validate(teacher.config, "");
  EXPECT_GT(validation_loss(teacher, weights), 0);
  EXPECT_THROW(distill_first_moe_layer(teacher.training, teacher.text, teacher.threads,
                                       teacher.config, weights),
               base::Error);
}

TEST(Distillation, TheNumberOfThreadsChangesNoBit) {
  Teacher teacher;
  teacher.training.steps = 5;
  base::Rng rng(1, "weights");
  const MoeGptWeights<float> weights = random_moe_gpt<float>(teacher.config, rng);
  MoeGptWeights<float> alone = weights;
  MoeGptWeights<float> together = weights;
  MoeGptConfig config = teacher.config;
  base::ThreadPool three(3);
  distill_first_moe_layer(teacher.training, teacher.text, teacher.threads, config, alone);
  distill_first_moe_layer(teacher.training, teacher.text, three, teacher.config, together);
  EXPECT_EQ(alone.blocks[0].dense.down, together.blocks[0].dense.down);
}

// Of an untrained teacher, after so many steps.
struct Student {
  ExpertWeights<float> weights;
  DistillationReport report;
};
Student student_after(const TrainingConfig& training, int steps) {
  Teacher teacher;
  teacher.training = training;
  teacher.training.steps = steps;
  base::Rng rng(1, "weights");
  MoeGptWeights<float> weights = random_moe_gpt<float>(teacher.config, rng);
  const DistillationReport report = distill_first_moe_layer(
      teacher.training, teacher.text, teacher.threads, teacher.config, weights);
  return {weights.blocks[0].dense, report};
}

// With SGD, without decay and momentum, the first step moves the student by learning rate x limit.
TEST(Distillation, ClippingLimitsTheStep) {
  TrainingConfig training = Teacher().training;
  training.optimizer = OptimizerType::sgd;
  training.schedule = ScheduleType::constant;
  training.learning_rate = 0.5;
  training.clip_grad_norm = 1e-3;
  const ExpertWeights<float> before = student_after(training, 0).weights;
  const ExpertWeights<float> after = student_after(training, 1).weights;
  double moved = 0;
  for_each_matrix(before, after, [&](const Matrix<float>& from, const Matrix<float>& to) {
    moved += (to - from).cast<double>().squaredNorm();
  });
  EXPECT_NEAR(std::sqrt(moved) / (0.5 * 1e-3), 1, 1e-3);
}

// The first student is the same but for its rounding, which its loss shows; a step later the
// masters that are handed back are no bf16 numbers.
TEST(Distillation, Bfloat16RoundsTheStudentFromTheFirst) {
  TrainingConfig training = Teacher().training;
  const Student exact = student_after(training, 0);
  training.bf16_weights = true;
  const Student rounded = student_after(training, 0);
  EXPECT_EQ(exact.weights.up, rounded.weights.up);
  EXPECT_NE(exact.report.loss_before, rounded.report.loss_before);
  EXPECT_NEAR(exact.report.loss_before / rounded.report.loss_before, 1, 0.02);
  EXPECT_EQ(rounded.report.loss_before, rounded.report.loss_after);
  const float master = student_after(training, 1).weights.up(0, 0);
  EXPECT_NE(master, round_to_bfloat16(master));
}

// No capacity: what a token is taught does not depend on its pass.
TEST(Distillation, TwoMicroBatchesAreOneBatch) {
  TrainingConfig training = Teacher().training;
  training.optimizer = OptimizerType::sgd;
  const ExpertWeights<float> before = student_after(training, 0).weights;
  const ExpertWeights<float> whole = student_after(training, 1).weights;
  training.micro_batches = 2;
  const ExpertWeights<float> halves = student_after(training, 1).weights;
  const float moved = (whole.down - before.down).norm();
  EXPECT_GT(moved, 0);
  EXPECT_LT((whole.down - halves.down).norm(), 1e-3F * moved);
}

void expect_error(Teacher& teacher, const std::string& where) {
  base::Rng rng(1, "weights");
  const MoeGptConfig before = teacher.config;
  MoeGptWeights<float> weights = random_moe_gpt<float>(teacher.config, rng);
  try {
    distill_first_moe_layer(teacher.training, teacher.text, teacher.threads, teacher.config,
                            weights);
    FAIL() << "no error about " << where;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), where);
  }
  EXPECT_EQ(teacher.config, before);
  EXPECT_EQ(weights.blocks[0].dense.up.size(), 0);
}

TEST(Distillation, AShortTextAndADivergingRateAreTheUsersErrors) {
  Teacher teacher;
  teacher.training.learning_rate = 1e25;
  expect_error(teacher, "/training/learning_rate");
  teacher.text.resize(100);
  expect_error(teacher, "/text");
}

TEST(Distillation, RatesOfWhatDoesNotLearnAreTheUsersErrors) {
  const auto expect_refused = [](const std::string& key, auto&& set) {
    Teacher teacher;
    set(teacher.training);
    expect_error(teacher, "/training/" + key);
  };
  using Training = TrainingConfig;
  expect_refused("expert_learning_rates", [](Training& t) { t.expert_learning_rates = {{}}; });
  expect_refused("learning_rate_of/head", [](Training& t) { t.learning_rate_of = {{"head", 0}}; });
  expect_refused("validation_fraction", [](Training& t) { t.validation_fraction = 1e-9; });
}

}  // namespace
}  // namespace moesim::model
