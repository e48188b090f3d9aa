// SPDX-License-Identifier: Apache-2.0
#include "model/train/trainer.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>

#include "base/error.h"
#include "tests/support/words_text.h"

namespace moesim::model {
namespace {

using testing::words_text;

// The least cross entropy of any guess that does not look at the bytes before, in nats per byte.
double unigram_entropy(const std::vector<std::uint8_t>& text) {
  std::array<double, 256> count{};
  for (const std::uint8_t byte : text) count[byte] += 1;
  double entropy = 0;
  for (const double n : count) {
    const double share = n / static_cast<double>(text.size());
    if (n > 0) entropy -= share * std::log(share);
  }
  return entropy;
}

MoeGptShape small_shape() {
  MoeGptShape shape;
  shape.num_layers = 2;
  shape.hidden_size = 16;
  shape.moe_intermediate_size = 8;
  shape.block.attention = {2, 32};
  shape.block.moe = {8, 2, 1.25, TokenDropPolicy::probs, 0.01};
  return shape;
}

struct Trained {
  MoeGptWeights<float> weights;
  TrainingReport report;
  std::vector<int> progress;
};

Trained run_training(TrainingConfig config) {
  const MoeGptShape shape = small_shape();
  const std::vector<std::uint8_t> text = words_text(600);
  base::Rng weights_rng(7, "weights");
  base::Rng batches_rng(7, "batches");
  Trained trained;
  trained.weights = random_moe_gpt<float>(shape, weights_rng);
  config.progress = [&](int done, int) { trained.progress.push_back(done); };
  trained.report = train(config, shape, text, trained.weights, batches_rng);
  return trained;
}

TEST(Trainer, BeatsTheBestGuessThatIgnoresContext) {
  const Trained trained = run_training({.batch_size = 8, .steps = 80, .learning_rate = 1e-2});
  const double entropy = unigram_entropy(words_text(600));
  EXPECT_GT(trained.report.train_loss.front(), entropy);
  EXPECT_LT(trained.report.train_loss.back(), 0.8 * entropy);
  EXPECT_LT(trained.report.validation_loss, 0.8 * entropy);
}

// Five sequences make four shards of unequal size.
TEST(Trainer, GivesTheSameBitsForAnyNumberOfThreads) {
  TrainingConfig config{.batch_size = 5, .steps = 6, .learning_rate = 1e-2, .num_threads = 1};
  Trained alone = run_training(config);
  for (const int threads : {2, 3, 8}) {
    config.num_threads = threads;
    Trained together = run_training(config);
    EXPECT_EQ(alone.report.train_loss, together.report.train_loss);
    EXPECT_EQ(alone.report.validation_loss, together.report.validation_loss);
    const auto expected = parameters(alone.weights);
    const auto actual = parameters(together.weights);
    for (std::size_t p = 0; p < expected.size(); ++p) {
      EXPECT_EQ(*expected[p].matrix, *actual[p].matrix) << expected[p].name;
    }
  }
}

TEST(Trainer, TellsItsProgressAfterEveryStep) {
  const Trained trained = run_training({.batch_size = 1, .steps = 3});
  EXPECT_EQ(trained.progress, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(trained.report.train_loss.size(), 3U);
}

TEST(Trainer, DivergingTrainingIsTheUsersError) {
  EXPECT_THROW(run_training({.batch_size = 4, .steps = 20, .learning_rate = 1e30}), base::Error);
}

// 1,000 bytes: the last 100 are held out; 109 bytes: the last 10.
TEST(Trainer, HoldsTheLastTenthOut) {
  EXPECT_EQ(training_bytes(1000), 900U);
  EXPECT_EQ(training_bytes(109), 99U);
  EXPECT_EQ(least_training_text(10), 110U);
}

}  // namespace
}  // namespace moesim::model
