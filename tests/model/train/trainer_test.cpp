// SPDX-License-Identifier: Apache-2.0
#include "model/train/trainer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "model/checkpoint/float16.h"
#include "model/train/byte_baselines.h"
#include "model/train/text_parts.h"
#include "tests/model/train/small_training.h"

namespace moesim::model {
namespace {

using moesim::testing::expect_same_state;
using moesim::testing::expect_same_weights;
using moesim::testing::small_trained_model;
using moesim::testing::small_training;
using moesim::testing::trained_state;
using moesim::testing::words_text;

TEST(Trainer, BeatsTheGuessesByCounting) {
  const std::vector<std::uint8_t> text = words_text(600);
  const TextParts parts = cut_text(text, 0.1);
  Trainer trainer(small_trained_model(), small_training(250), text, 2);
  while (trainer.state().step < 250) trainer.step();
  const double bits = bits_per_byte(trainer.validate());
  EXPECT_LT(bits, 0.8 * unigram_bits_per_byte(parts.training, parts.validation));
  EXPECT_LT(bits, bigram_bits_per_byte(parts.training, parts.validation));
  EXPECT_GT(trainer.state().history.steps.front().loss,
            2 * trainer.state().history.steps.back().loss);
}

TEST(Trainer, GivesTheSameBitsForAnyNumberOfThreads) {
  TrainingConfig training = small_training(6);
  training.micro_batches = 2;
  MoeGptConfig model = small_trained_model();
  model.residual_dropout = 0.1;
  const TrainerState alone = trained_state(model, training, 6, 1);
  for (const int threads : {2, 4}) {
    expect_same_state(alone, trained_state(model, training, 6, threads));
  }
}

TEST(Trainer, GoesOnFromAStateAsIfItHadNeverStopped) {
  const std::vector<std::uint8_t> text = words_text(600);
  MoeGptConfig model = small_trained_model();
  model.expert_dropout = 0.1;
  model.router.type = RouterType::noisy_top_k;
  model.router.balance.bias_update_rate = 0;
  for (const bool bf16 : {false, true}) {
    TrainingConfig training = small_training(8);
    training.bf16_weights = bf16;
    const TrainerState whole = trained_state(model, training, 8);
    Trainer second(model, training, text, 2, trained_state(model, training, 3));
    for (int i = 0; i < 5; ++i) second.step();
    expect_same_state(whole, second.state());
  }
}

// Without capacity and balancing losses a token's gradient does not depend on what else is in its
// pass, so two passes over half of the sequences each add up to one over all.
TEST(Trainer, TwoMicroBatchesAreOneBatch) {
  const std::vector<std::uint8_t> text = words_text(600);
  MoeGptConfig model = small_trained_model();
  model.router.capacity_factor.reset();
  model.router.balance.aux_loss_coef = 0;
  TrainingConfig training = small_training(1);
  Trainer one(model, training, text, 1);
  training.micro_batches = 2;
  Trainer two(model, training, text, 1);
  const StepRecord whole = one.step().record;
  const StepReport halves = two.step();
  EXPECT_NEAR(halves.record.loss / whole.loss, 1, 1e-6);
  EXPECT_NEAR(halves.record.grad_norm / whole.grad_norm, 1, 1e-6);
  EXPECT_EQ(halves.routing.size(), 4U);
  EXPECT_EQ(halves.usage.size(), 2U);
  // The gradients themselves, by the first moments that they left: (1 - beta1) times them.
  const auto& expected = one.state().optimizer.momentum;
  const auto& actual = two.state().optimizer.momentum;
  for (std::size_t p = 0; p < expected.size(); ++p) {
    EXPECT_LT((expected[p] - actual[p]).norm(), 1e-6 * whole.grad_norm) << p;
  }
}

// What is recomputed is what was computed.
TEST(Trainer, RecomputationChangesNoBit) {
  TrainingConfig training = small_training(4);
  const TrainerState kept = trained_state(small_trained_model(), training, 4);
  training.recompute_activations = true;
  expect_same_state(kept, trained_state(small_trained_model(), training, 4));
}

// A step's gradient cannot exceed the limit: with SGD, without decay and momentum, the weights move
// by learning rate x limit.
TEST(Trainer, ClippingLimitsTheStep) {
  TrainingConfig training = small_training(1);
  training.optimizer = OptimizerType::sgd;
  training.weight_decay = 0;
  training.schedule = ScheduleType::constant;
  training.learning_rate = 0.5;
  for (const double limit : {0.01, 1e9}) {
    training.clip_grad_norm = limit;
    TrainerState before = trained_state(small_trained_model(), training, 0);
    TrainerState after = trained_state(small_trained_model(), training, 1);
    const auto old_values = parameters(before.weights);
    const auto new_values = parameters(after.weights);
    double moved = 0;
    for (std::size_t p = 0; p < old_values.size(); ++p) {
      const Matrix<float> difference = *new_values[p].matrix - *old_values[p].matrix;
      moved += difference.cast<double>().squaredNorm();
    }
    const double norm = after.history.steps[0].grad_norm;
    EXPECT_GT(norm, 0.01);
    EXPECT_NEAR(std::sqrt(moved) / (0.5 * std::min(norm, limit)), 1, 1e-4);
  }
}

TEST(Trainer, Bfloat16WeightsAreTheirMastersRounded) {
  TrainingConfig training = small_training(3);
  training.bf16_weights = true;
  TrainerState state = trained_state(small_trained_model(), training, 3);
  const auto list = parameters(state.weights);
  ASSERT_EQ(state.optimizer.masters.size(), list.size());
  for (std::size_t p = 0; p < list.size(); ++p) {
    for (Index i = 0; i < list[p].matrix->size(); ++i) {
      const float master = state.optimizer.masters[p].data()[i];
      ASSERT_EQ(list[p].matrix->data()[i], round_to_bfloat16(master)) << list[p].name;
    }
  }
}

// 4 sequences of 32 tokens choose 2 experts each: 256 pairs a layer and step.
TEST(Trainer, ReportsEveryStep) {
  const std::vector<std::uint8_t> text = words_text(600);
  Trainer trainer(small_trained_model(), small_training(2), text, 1);
  const StepReport report = trainer.step();
  EXPECT_EQ(report.record.step, 1);
  EXPECT_EQ(report.record.tokens, 128);
  EXPECT_EQ(report.record.learning_rate, 0.01 * (0.1 + 0.9 / 2));
  EXPECT_GT(report.record.balance, 0);
  ASSERT_EQ(report.usage.size(), 2U);
  for (const LayerUsage& layer : report.usage) {
    std::int64_t pairs = 0;
    for (const std::int64_t count : layer.chosen) pairs += count;
    EXPECT_EQ(layer.tokens, 128);
    EXPECT_EQ(pairs, 256);
  }
  trainer.step();
  EXPECT_EQ(trainer.state().history.steps.size(), 2U);
  EXPECT_EQ(trainer.state().history.usage.size(), 2U);
  const double loss = trainer.validate();
  EXPECT_EQ(trainer.validate(), loss);
  EXPECT_EQ(trainer.state().history.validations, (std::vector<ValidationRecord>{{2, loss}}));
}

// The overloaded experts' biases fall by the rate, the others' rise (or stay, at the mean exactly).
TEST(Trainer, SelectionBiasesFollowTheLoad) {
  const std::vector<std::uint8_t> text = words_text(600);
  MoeGptConfig model = small_trained_model();
  model.router.score_function = ScoreFunction::sigmoid;
  model.router.balance.aux_loss_coef = 0;
  model.router.balance.bias_update_rate = 0.25;
  Trainer trainer(model, small_training(2), text, 1);
  const StepReport report = trainer.step();
  for (std::size_t layer = 0; layer < 2; ++layer) {
    const Matrix<float>& bias = trainer.weights().blocks[layer].moe.router.selection_bias;
    ASSERT_EQ(bias.size(), 8);
    for (int expert = 0; expert < 8; ++expert) {
      const std::int64_t load = report.usage[layer].chosen[static_cast<std::size_t>(expert)];
      const double expected = load > 32 ? -0.25 : load < 32 ? 0.25 : 0;
      EXPECT_EQ(bias(0, expert), expected) << "layer " << layer << " expert " << expert;
    }
  }
}

// With places for all pairs and none to spare, overflow moves pairs until every expert has its 16
// of a pass; the bias follows what the tokens chose, as the first layer of a model without capacity
// shows.
TEST(Trainer, SelectionBiasesFollowTheChoicesBeforeOverflow) {
  const std::vector<std::uint8_t> text = words_text(600);
  MoeGptConfig model = small_trained_model();
  model.router.score_function = ScoreFunction::sigmoid;
  model.router.balance.bias_update_rate = 0.25;
  model.router.capacity_factor = 1;
  model.router.overflow = OverflowPolicy::next_best;
  TrainingConfig training = small_training(2);
  training.micro_batches = 2;
  Trainer moved(model, training, text, 1);
  const StepReport after = moved.step();
  model.router.capacity_factor.reset();
  model.router.overflow = OverflowPolicy::drop;
  Trainer free(model, training, text, 1);
  const StepReport before = free.step();
  EXPECT_NE(after.usage[0].chosen, before.usage[0].chosen);
  const Matrix<float>& bias = moved.weights().blocks[0].moe.router.selection_bias;
  EXPECT_EQ(bias, free.weights().blocks[0].moe.router.selection_bias);
  EXPECT_GT(bias.norm(), 0);
}

TEST(Trainer, RoutesTheValidationWindows) {
  const std::vector<std::uint8_t> text = words_text(600);
  TrainingConfig training = small_training(1);
  training.validation_windows = 6;  // two passes, of 4 and 2 sequences
  Trainer trainer(small_trained_model(), training, text, 1);
  const std::vector<RoutingBatch> routing = trainer.route_validation();
  ASSERT_EQ(routing.size(), 4U);
  EXPECT_EQ(routing[0].tokens, 128);
  EXPECT_EQ(routing[3].tokens, 64);
}

TEST(Trainer, DivergingTrainingIsTheUsersErrorAndLeavesTheWeights) {
  const std::vector<std::uint8_t> text = words_text(600);
  TrainingConfig training = small_training(20);
  training.learning_rate = 1e25;
  training.optimizer = OptimizerType::sgd;
  training.clip_grad_norm = 0;
  Trainer trainer(small_trained_model(), training, text, 1);
  try {
    for (int i = 0; i < 20; ++i) trainer.step();
    ADD_FAILURE() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "/training/learning_rate");
    EXPECT_NE(error.message().find("diverged"), std::string::npos);
    EXPECT_NE(error.hint().find("lower learning_rate"), std::string::npos);
  }
  EXPECT_EQ(trainer.state().history.steps.size(), static_cast<std::size_t>(trainer.state().step));
}

TEST(Trainer, SettingsThatDoNotFitTheModelAreTheUsersError) {
  const std::vector<std::uint8_t> text = words_text(600);
  TrainingConfig training = small_training(1);
  training.learning_rate_of = {{"head", 0.5}};
  EXPECT_THROW(Trainer(small_trained_model(), training, text, 1), base::Error);
}

// The place of the error in a process that may take 2 GiB; its exit code says which it was.
int place_of_memory_error(const MoeGptConfig& model, const TrainingConfig& training) {
  const std::vector<std::uint8_t> text = words_text(4000);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit two_gib{std::uint64_t{1} << 31, std::uint64_t{1} << 31};
    ::setrlimit(RLIMIT_AS, &two_gib);
    try {
      Trainer(model, training, text, 1).step();
    } catch (const base::Error& error) {
      const bool says_why = error.message().find("not enough memory") == 0;
      _exit(!says_why ? 3 : error.where() == "/model" ? 1 : 2);
    }
    _exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// 8 experts' gates of 65536 units x 1024 are 2 GiB. 65536 sequences of 512 bytes are 2^25 tokens,
// whose rows of 16 floats are 2 GiB.
TEST(Trainer, TooLittleMemoryIsTheUsersError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers take more addresses than the limit leaves";
#endif
  MoeGptConfig model = small_trained_model();
  model.seq_length = 512;
  TrainingConfig training = small_training(1);
  training.batch_size = 65536;
  EXPECT_EQ(place_of_memory_error(model, training), 2);
  model.hidden_size = 1024;
  model.moe_intermediate_size = 65536;
  EXPECT_EQ(place_of_memory_error(model, small_training(1)), 1);
}

TEST(Trainer, AShortTextIsTheUsersError) {
  const std::vector<std::uint8_t> text(329, 'a');
  EXPECT_THROW(Trainer(small_trained_model(), small_training(1), text, 1), base::Error);
  const std::vector<std::uint8_t> enough(330, 'a');
  EXPECT_NO_THROW(Trainer(small_trained_model(), small_training(1), enough, 1).step());
}

}  // namespace
}  // namespace moesim::model
